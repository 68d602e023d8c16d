// SPDX-License-Identifier: MIT
// The fields of the log in jobmilld(8) against those of the code.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/log_fields.hpp"

using namespace jobmill;

TEST_CASE("the manual explains every field of the log, in the code's order, and no other")
{
    std::ifstream file{JOBMILLD_MANUAL};
    REQUIRE(file);
    std::vector<std::string> explained;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        inside = line == "The fields:" || (inside && !line.starts_with('#'));
        if (!inside || !line.starts_with('*')) {
            continue;
        }
        std::istringstream words{line};
        for (std::string word; words >> word;) {
            explained.push_back(word.substr(1, word.rfind('*') - 1));
        }
    }
    CHECK(explained == std::vector<std::string>{log::field_names.begin(), log::field_names.end()});
}
