// SPDX-License-Identifier: MIT
#include "client/commands/notice.hpp"

#include <string>

#include "client/commands/output.hpp"
#include "common/exit_code.hpp"
#include "common/utf8.hpp"

namespace jobmill::commands {

void notice(std::string_view text)
{
    const std::string line = "jobmill: " + escaped(text) + "\n";
    (void)write_all(standard_error, bytes_of(line));
}

int failed(const Error& error)
{
    std::string_view rest = error.what;
    while (true) {
        const std::size_t end = rest.find('\n');
        notice(rest.substr(0, end));
        if (end == std::string_view::npos) {
            break;
        }
        rest.remove_prefix(end + 1);
    }
    return exit_code::jobmill_failed;
}

int misused(const Error& error)
{
    notice(error.what);
    return exit_code::usage;
}

}  // namespace jobmill::commands
