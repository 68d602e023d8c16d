// SPDX-License-Identifier: MIT
#include "worker/options.hpp"

#include <charconv>
#include <concepts>
#include <string_view>

namespace jobmill {
namespace {

class Arguments {
public:
    explicit Arguments(std::span<const char* const> rest) : rest_(rest) {}

    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    [[nodiscard]] std::string_view next()
    {
        const std::string_view taken = rest_.front();
        rest_ = rest_.subspan(1);
        return taken;
    }
    [[nodiscard]] Result<std::string_view> value_of(std::string_view option)
    {
        if (at_end()) {
            return fail(Errc::invalid, std::string{option} + " needs a value");
        }
        return next();
    }

    template <std::integral T>
    [[nodiscard]] Result<T> number_of(std::string_view option)
    {
        JOBMILL_TRY_ASSIGN(const std::string_view text, value_of(option));
        T value{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || value <= 0) {
            return fail(Errc::invalid, std::string{option} + ": not a number above 0: \"" +
                                           std::string{text} + '"');
        }
        return value;
    }

private:
    std::span<const char* const> rest_;
};

std::vector<std::string> split_names(std::string_view list)
{
    std::vector<std::string> names;
    if (list == "none") {
        return names;
    }
    while (true) {
        const std::size_t comma = list.find(',');
        names.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos) {
            return names;
        }
        list.remove_prefix(comma + 1);
    }
}

/// Options of both modes about what to load; false when it is none of them.
Result<bool> take_load_option(std::string_view option, Arguments& arguments, LoadOptions& load)
{
    if (option == "--builtin") {
        JOBMILL_TRY_ASSIGN(const std::string_view names, arguments.value_of(option));
        load.builtins = split_names(names);
    } else if (option == "--module") {
        JOBMILL_TRY_ASSIGN(const std::string_view path, arguments.value_of(option));
        load.modules.emplace_back(path);
    } else if (option == "--allow-exec") {
        load.allow_exec = true;
    } else if (option == "--allow-paths") {
        load.allow_paths = true;
    } else {
        return false;
    }
    return true;
}

Result<bool> take_identity_option(std::string_view option, Arguments& arguments,
                                  WorkerOptions& options)
{
    if (option == "--daemon-pid") {
        JOBMILL_TRY_ASSIGN(options.daemon_pid, arguments.number_of<pid_t>(option));
    } else if (option == "--slot") {
        JOBMILL_TRY_ASSIGN(const auto slot, arguments.number_of<std::uint32_t>(option));
        options.worker.slot = SlotId{slot};
    } else if (option == "--socket") {
        JOBMILL_TRY_ASSIGN(const std::string_view path, arguments.value_of(option));
        options.socket = path;
    } else if (option == "--allow-threads") {
        options.allow_threads = true;
    } else if (option == "--spin-us") {
        JOBMILL_TRY_ASSIGN(options.spin_us, arguments.number_of<std::uint32_t>(option));
    } else if (option == "--command-descriptors") {
        JOBMILL_TRY_ASSIGN(options.command_descriptors, arguments.number_of<std::uint64_t>(option));
    } else if (option == "--generation") {
        JOBMILL_TRY_ASSIGN(options.worker.generation, arguments.number_of<std::uint32_t>(option));
    } else {
        return false;
    }
    return true;
}

bool take_mode(std::string_view option, WorkerOptions::Mode& mode)
{
    using enum WorkerOptions::Mode;
    if (option == "--template") {
        mode = fork_template;
    } else if (option == "--worker") {
        mode = worker;
    } else if (option == "--help" || option == "-h") {
        mode = help;
    } else if (option == "--version" || option == "-V") {
        mode = version;
    } else {
        return false;
    }
    return true;
}

}  // namespace

Result<WorkerOptions> parse_options(std::span<const char* const> words)
{
    Arguments arguments{words};
    WorkerOptions options;
    while (!arguments.at_end()) {
        const std::string_view option = arguments.next();
        if (take_mode(option, options.mode)) {
            continue;
        }
        JOBMILL_TRY_ASSIGN(bool taken, take_load_option(option, arguments, options.load));
        if (!taken) {
            JOBMILL_TRY_ASSIGN(taken, take_identity_option(option, arguments, options));
        }
        if (!taken) {
            return fail(Errc::invalid, "unknown option \"" + std::string{option} + '"');
        }
    }
    using enum WorkerOptions::Mode;
    if ((options.mode == fork_template || options.mode == worker) && options.daemon_pid == 0) {
        return fail(Errc::invalid, "--daemon-pid is missing");
    }
    if (options.mode == worker &&
        (number(options.worker.slot) == 0 || options.worker.generation == 0)) {
        return fail(Errc::invalid, "--worker needs --slot and --generation");
    }
    return options;
}

const char* usage() noexcept
{
    return "jobmill-worker is started by jobmilld, with its link as descriptor 3:\n"
           "  jobmill-worker --template --daemon-pid PID [--allow-threads] [what to load]\n"
           "  jobmill-worker --worker --slot N --generation G --daemon-pid PID [what to load]\n"
           "both take --socket PATH: the daemon's, which jobs find as JOBMILL_SOCKET;\n"
           "--command-descriptors N: the limit of commands whose jobs have none; and\n"
           "--spin-us N: look for work for so many microseconds before sleeping\n"
           "what to load:\n"
           "  --builtin NAME,NAME...|none   these built-in handlers (default: all)\n"
           "  --allow-exec                  the handler exec, which runs commands\n"
           "  --allow-paths                 files that jobs name may be opened by built-in "
           "handlers\n"
           "  --module PATH                 a module; may be given more than once\n";
}

}  // namespace jobmill
