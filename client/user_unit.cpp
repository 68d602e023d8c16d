// SPDX-License-Identifier: MIT
#include "client/user_unit.hpp"

#include <unistd.h>

#include <charconv>

#include "client/bounded_program.hpp"
#include "common/take_until.hpp"

namespace jobmill {
namespace {

/// For questions that are answered in milliseconds, if at all.
constexpr std::chrono::milliseconds question_patience{3000};

/// The text without the ends of lines behind it.
std::string without_end(std::string text)
{
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

/// What systemctl shows of one unit.
struct Block {
    std::string_view id;
    std::string_view load;
    std::string_view active;
    std::string_view file;
    pid_t pid = 0;

    void add(std::string_view line)
    {
        const std::size_t equals = line.find('=');
        const std::string_view name = line.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? "" : line.substr(equals + 1);
        if (name == "Id") {
            id = value;
        } else if (name == "LoadState") {
            load = value;
        } else if (name == "ActiveState") {
            active = value;
        } else if (name == "UnitFileState") {
            file = value;
        } else if (name == "MainPID") {
            (void)std::from_chars(value.data(), value.data() + value.size(), pid);
        }
    }

    void put_into(UserUnit& unit) const
    {
        // "masked" and "not-found" are not "loaded": such a unit is not to be started.
        const bool installed = load == "loaded";
        if (id == service_unit) {
            unit.service_installed = installed;
            unit.service_state = active;
            unit.main_pid = pid;
        } else if (id == socket_unit) {
            unit.socket_installed = installed;
            unit.socket_active = active == "active";
        } else {
            return;
        }
        unit.enabled = unit.enabled || (installed && file.starts_with("enabled"));
    }
};

}  // namespace

const char* UserUnit::to_start() const noexcept
{
    return socket_installed ? socket_unit : service_unit;
}

UserUnit parse_units(std::string_view text)
{
    UserUnit unit;
    Block block;
    while (!text.empty()) {
        const std::string_view line = take_until(text, '\n');
        if (!line.empty()) {
            block.add(line);
        } else {
            block.put_into(unit);
            block = Block{};
        }
    }
    block.put_into(unit);
    return unit;
}

std::optional<UserUnit> find_user_unit(const std::string& runtime_dir)
{
    // The manager's own socket, by which systemctl reaches it without a bus; and the bus.
    if (runtime_dir.empty() || (::access((runtime_dir + "/systemd/private").c_str(), F_OK) != 0 &&
                                ::access((runtime_dir + "/bus").c_str(), F_OK) != 0)) {
        return {};
    }
    const auto shown = run_bounded(
        {"systemctl", "--user", "--no-pager", "show",
         "--property=Id,LoadState,ActiveState,UnitFileState,MainPID", service_unit, socket_unit},
        question_patience);
    if (!shown || shown->exit_code != 0) {
        return {};
    }
    return parse_units(shown->out);
}

Result<void> control_user_unit(const char* verb, const char* unit,
                               std::chrono::milliseconds patience)
{
    const auto done =
        run_bounded({"systemctl", "--user", "--no-pager", "--quiet", verb, unit}, patience);
    if (done && done->exit_code == 0) {
        return {};
    }
    const std::string said = done ? without_end(done->err) : done.error().what;
    return fail(Errc::system, std::string{"systemctl --user "} + verb + " " + unit + ": " +
                                  (said.empty() ? "failed" : said));
}

std::string end_of_journal(unsigned lines)
{
    const auto read = run_bounded({"journalctl", "--user", "--no-pager", "--quiet", "--output=cat",
                                   "--lines=" + std::to_string(lines), "--unit", service_unit},
                                  question_patience);
    return read && read->exit_code == 0 ? without_end(read->out) : "";
}

std::optional<bool> lingers(const std::string& user)
{
    const auto shown =
        run_bounded({"loginctl", "--no-pager", "show-user", user, "--property=Linger", "--value"},
                    question_patience);
    const std::string answer = shown && shown->exit_code == 0 ? without_end(shown->out) : "";
    if (answer != "yes" && answer != "no") {
        return {};
    }
    return answer == "yes";
}

}  // namespace jobmill
