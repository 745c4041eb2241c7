#pragma once
#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo are variadic, which Swift does not import: one function for each type of
// argument. Being macros as well (typecheck-gcc.h), they are called here with an option that is not a constant, which
// turns the macro's checks off: Swift's types have done that work.

static inline CURLcode cc_set_long(CURL *_Nonnull handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

/// The string is copied by libcurl, but for CURLOPT_POSTFIELDS: that is `cc_set_body`.
static inline CURLcode cc_set_string(CURL *_Nonnull handle, CURLoption option, const char *_Nonnull value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode cc_set_pointer(CURL *_Nonnull handle, CURLoption option, void *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// Copies the body: the size has to be set first.
static inline CURLcode cc_set_body(CURL *_Nonnull handle, const void *_Nullable bytes, curl_off_t count) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, count);
    return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, count > 0 ? bytes : "");
}

typedef size_t (*cc_receive)(char *_Nullable bytes, size_t size, size_t count, void *_Nullable context);

/// For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION.
static inline CURLcode cc_set_receiver(CURL *_Nonnull handle, CURLoption option, cc_receive _Nonnull receive) {
    return curl_easy_setopt(handle, option, receive);
}

typedef int (*cc_progress)(void *_Nullable context, curl_off_t toReceive, curl_off_t received, curl_off_t toSend,
                           curl_off_t sent);

/// For CURLOPT_XFERINFOFUNCTION, which libcurl calls about once a second when nothing comes.
static inline CURLcode cc_set_progress(CURL *_Nonnull handle, cc_progress _Nonnull progress) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress);
}

static inline CURLcode cc_get_long(CURL *_Nonnull handle, CURLINFO info, long *_Nonnull value) {
    return curl_easy_getinfo(handle, info, value);
}
