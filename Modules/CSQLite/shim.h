#pragma once
#include <sqlite3.h>

// SQLITE_TRANSIENT is a cast of -1 to a function pointer, and sqlite3_db_config is variadic: Swift imports neither.

/// Binds a copy of the text, which may hold zero bytes; `bytes` may only be null when `count` is 0.
static inline int cs_bind_text(sqlite3_stmt *_Nonnull statement, int index, const void *_Nullable bytes, int count) {
    return sqlite3_bind_text(statement, index, bytes ? (const char *)bytes : "", count, SQLITE_TRANSIENT);
}

/// SQLITE_DBCONFIG_DEFENSIVE: no statement can damage the file, whatever a damaged schema makes of it.
static inline int cs_set_defensive(sqlite3 *_Nonnull database) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
}
