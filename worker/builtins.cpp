// SPDX-License-Identifier: MIT
#include "worker/builtins.hpp"

#include "worker/handlers/handlers.hpp"

namespace jobmill {

std::span<const jobmill_handler> builtin_handlers()
{
    static Handler handlers[] = {
        {"echo", "the payload, unchanged", handlers::echo},
        {"sleep", "waits as long as the payload says: 300ms, 2s, 1.5m", handlers::sleep},
        {"sum", "0 + 1 + ... + the number in the payload, one by one", handlers::sum},
        {"sha256", "SHA-256 of the payload, or of a file: path, offset, length", handlers::sha256},
        {"text.wordcount", "word counts of the payload, or of a file: path, offset, length",
         handlers::word_count},
        {"ngram.count", "match counts per ngram of a file: path, offset, length",
         handlers::ngram_count},
        {"exec", "runs a command: argv, cwd, env; the payload is its input", handlers::exec},
    };
    static const auto table = module_detail::as_c(handlers);
    return table;
}

}  // namespace jobmill
