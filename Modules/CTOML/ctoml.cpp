#include "ctoml.h"

// Arrays and inline tables; nothing of ours needs more than four, and the parser recurses.
#define TOML_MAX_NESTED_VALUES 32
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <utility>
#include <vector>

struct ctoml_document {
    toml::table root;
    std::vector<ctoml_node> nodes;
};

namespace {

using entry = std::pair<const toml::key *, const toml::node *>;

void append(std::vector<ctoml_node> &nodes, const toml::key *key, const toml::node &value);

void append_entries(std::vector<ctoml_node> &nodes, const toml::table &table) {
    std::vector<entry> entries;
    entries.reserve(table.size());
    for (auto &&[key, value] : table) entries.emplace_back(&key, &value);
    // toml++ sorts tables by key; the order of the file is that of the places.
    std::stable_sort(entries.begin(), entries.end(), [](const entry &a, const entry &b) {
        return a.first->source().begin < b.first->source().begin;
    });
    for (const entry &e : entries) append(nodes, e.first, *e.second);
}

void append(std::vector<ctoml_node> &nodes, const toml::key *key, const toml::node &value) {
    ctoml_node node{};
    node.line = value.source().begin.line;
    node.column = value.source().begin.column;
    if (key) {
        node.key = key->str().data();
        node.key_length = key->str().size();
        node.key_line = key->source().begin.line;
        node.key_column = key->source().begin.column;
    }
    if (const toml::table *table = value.as_table()) {
        node.kind = ctoml_kind_table;
        node.count = table->size();
        nodes.push_back(node);
        append_entries(nodes, *table);
        return;
    }
    if (const toml::array *array = value.as_array()) {
        node.kind = ctoml_kind_array;
        node.count = array->size();
        nodes.push_back(node);
        for (auto &&element : *array) append(nodes, nullptr, element);
        return;
    }
    if (const auto *text = value.as_string()) {
        node.kind = ctoml_kind_string;
        node.text = text->get().data();
        node.text_length = text->get().size();
    } else if (const auto *integer = value.as_integer()) {
        node.kind = ctoml_kind_integer;
        node.integer = integer->get();
    } else if (const auto *floating = value.as_floating_point()) {
        node.kind = ctoml_kind_float;
        node.floating = floating->get();
    } else if (const auto *boolean = value.as_boolean()) {
        node.kind = ctoml_kind_boolean;
        node.boolean = boolean->get();
    } else {
        node.kind = ctoml_kind_date_time;
    }
    nodes.push_back(node);
}

void say(ctoml_error *error, std::string_view message) {
    std::snprintf(error->message, sizeof error->message, "%.*s", static_cast<int>(message.size()), message.data());
}

}  // namespace

ctoml_document *ctoml_parse(const char *text, size_t length, ctoml_error *error) {
    *error = ctoml_error{};
    // The library is built without exceptions of its own, but its allocations still throw; none may reach Swift.
    try {
        toml::parse_result result = toml::parse(std::string_view(text, length));
        if (!result) {
            error->line = result.error().source().begin.line;
            error->column = result.error().source().begin.column;
            say(error, result.error().description());
            return nullptr;
        }
        auto document = std::make_unique<ctoml_document>();
        document->root = std::move(result).table();
        append(document->nodes, nullptr, document->root);
        return document.release();
    } catch (const std::bad_alloc &) {
        say(error, "not enough memory to read it");
    } catch (...) {
        say(error, "the TOML reader failed");
    }
    return nullptr;
}

const ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count) {
    *count = document->nodes.size();
    return document->nodes.data();
}

void ctoml_free(ctoml_document *document) { delete document; }
