// SPDX-License-Identifier: MIT
#include "client/commands/json_output.hpp"

#include "client/commands/event_reply.hpp"
#include "client/commands/output.hpp"
#include "common/json_lines.hpp"

namespace jobmill::commands {

Bytes json_line(const ClientEvent& event, std::string_view id)
{
    Bytes line;
    encode_whole_line(as_reply(event), id, line);
    return line;
}

bool print_json(const ClientEvent& event, std::string_view id)
{
    return write_all(standard_output, json_line(event, id));
}

}  // namespace jobmill::commands
