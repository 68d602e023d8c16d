// SPDX-License-Identifier: MIT
#include "daemon/python_reader.hpp"

#include <string>
#include <string_view>

namespace jobmill::daemon {
namespace {

constexpr std::size_t longest_path = 4095;
constexpr std::size_t most_preloaded = 256;
constexpr std::size_t longest_python_name = 256;

/// Identifiers with dots between them, as far as one can tell without Python's tables of letters.
bool is_python_name(std::string_view name)
{
    const auto is_letter = [](char c) {
        return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               static_cast<unsigned char>(c) >= 0x80;
    };
    bool begins = true;
    for (const char c : name) {
        const bool digit = c >= '0' && c <= '9';
        if (begins ? !is_letter(c) : !is_letter(c) && !digit && c != '.') {
            return false;
        }
        begins = c == '.';
    }
    return !begins && name.size() <= longest_python_name;
}

class PythonReader {
public:
    PythonReader(TomlReader& reader, const toml::table& table, PoolSettings& pool)
        : reader_(reader), table_(table), pool_(pool)
    {
    }

    void read()
    {
        constexpr auto want = "\"native\" or \"python\"";
        if (const auto* word = reader_.value<std::string>(table_, "runtime", want)) {
            if (word->get() == "python") {
                pool_.runtime = PoolSettings::Runtime::python;
            } else if (word->get() != "native") {
                reader_.complain(word->source(), std::string{"runtime: want "} + want);
            }
        }
        for (const char* const key : {"interpreter", "preload", "initializer"}) {
            if (table_.contains(key) && pool_.runtime != PoolSettings::Runtime::python) {
                reader_.complain(table_.get(key)->source(),
                                 std::string{key} + ": is for pools with runtime = \"python\"");
            }
        }
        interpreter();
        preload();
        initializer();
    }

private:
    void interpreter()
    {
        const auto* path = reader_.value<std::string>(table_, "interpreter", "an absolute path");
        if (path == nullptr) {
            return;
        }
        if (path->get().empty() || path->get().front() != '/' ||
            path->get().size() > longest_path) {
            reader_.complain(path->source(), "interpreter: want an absolute path of at most " +
                                                 std::to_string(longest_path) + " bytes");
        }
        pool_.interpreter = path->get();
    }

    void preload()
    {
        const toml::node* node = table_.get("preload");
        if (node == nullptr) {
            return;
        }
        const toml::array* list = node->as_array();
        if (list == nullptr || list->size() > most_preloaded) {
            reader_.complain(node->source(), "preload: want a list of at most " +
                                                 std::to_string(most_preloaded) +
                                                 " names of modules");
            return;
        }
        for (const toml::node& item : *list) {
            const auto* name = item.as_string();
            if (name == nullptr || !is_python_name(name->get())) {
                reader_.complain(item.source(),
                                 "preload: want names of modules such as \"package.module\", of at "
                                 "most " +
                                     std::to_string(longest_python_name) + " bytes");
                continue;
            }
            pool_.preload.push_back(name->get());
        }
    }

    void initializer()
    {
        const auto* name = reader_.value<std::string>(table_, "initializer", "MODULE:FUNCTION");
        if (name == nullptr) {
            return;
        }
        const std::string_view text = name->get();
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos || !is_python_name(text.substr(0, colon)) ||
            !is_python_name(text.substr(colon + 1))) {
            reader_.complain(name->source(),
                             "initializer: want \"MODULE:FUNCTION\", each of at most " +
                                 std::to_string(longest_python_name) + " bytes");
        }
        pool_.initializer = text;
    }

    TomlReader& reader_;
    const toml::table& table_;
    PoolSettings& pool_;
};

}  // namespace

void read_python(TomlReader& reader, const toml::table& table, PoolSettings& pool)
{
    PythonReader{reader, table, pool}.read();
}

}  // namespace jobmill::daemon
