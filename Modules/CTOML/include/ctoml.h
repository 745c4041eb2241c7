/* toml++ behind a C face, so that no Swift target has to be compiled for C++. Prefix: ctoml_. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

/// What a value is.
enum ctoml_kind {
    ctoml_kind_table = 1,
    ctoml_kind_array,
    ctoml_kind_string,
    ctoml_kind_integer,
    ctoml_kind_float,
    ctoml_kind_boolean,
    /// A date, a time, or both.
    ctoml_kind_date_time,
};

/// One value of a document, with the key that it has in its table. Lines and columns begin with 1 and count
/// characters (code points), not bytes. The texts belong to the document and are not terminated by a zero: a TOML
/// string may hold one.
struct ctoml_node {
    enum ctoml_kind kind;
    uint32_t line;
    uint32_t column;
    /// NULL, and line and column 0, for the root and for the elements of an array.
    const char *_Nullable key;
    size_t key_length;
    uint32_t key_line;
    uint32_t key_column;
    /// How many entries or elements it has; they follow it directly, each with all that is in it.
    size_t count;
    const char *_Nullable text;
    size_t text_length;
    int64_t integer;
    double floating;
    bool boolean;
};

/// Why a text is no TOML document.
struct ctoml_error {
    /// 0 for what has no place.
    uint32_t line;
    uint32_t column;
    /// A sentence, terminated by a zero.
    char message[512];
};

/// A document that was read; immutable, so any thread may look at it.
typedef struct ctoml_document ctoml_document;

/// Reads a text. NULL when it is no TOML document or when there is no memory for it; `error` then says why. toml++
/// stops at the first mistake. Dotted keys of any length nest as deeply as they are long, and toml++ recurses over
/// them: the caller bounds them.
ctoml_document *_Nullable ctoml_parse(const char *text, size_t length, struct ctoml_error *error);

/// All values in the order of the file: the root first, each value followed by what is in it.
const struct ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count);

void ctoml_free(ctoml_document *_Nullable document);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
