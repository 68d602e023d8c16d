// SPDX-License-Identifier: MIT
#include "worker/handlers/known_arguments.hpp"

#include <algorithm>
#include <string>

#include "common/msgpack.hpp"
#include "worker/handlers/quoted.hpp"

namespace jobmill::handlers {

void require_known(const Job& job, std::string_view who,
                   std::initializer_list<std::string_view> known)
{
    msgpack::Reader arguments{bytes_of(job.arguments())};
    for (std::uint32_t left = arguments.map().value_or(0); left > 0; --left) {
        const auto name = arguments.text();
        if (!name || !arguments.skip()) {
            return;  // it is no map of arguments, so there are none
        }
        if (std::find(known.begin(), known.end(), *name) == known.end()) {
            std::string text = std::string{who} + ": no argument " + quoted(*name) + "; there are";
            for (const std::string_view each : known) {
                text.append(each == *known.begin() ? " " : ", ").append(each);
            }
            throw Failure{text};
        }
    }
}

}  // namespace jobmill::handlers
