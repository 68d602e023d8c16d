// SPDX-License-Identifier: MIT
#include "worker/loader.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <exception>
#include <filesystem>
#include <type_traits>

#include "common/exit_code.hpp"
#include "worker/builtins.hpp"
#include "worker/handlers/file_range.hpp"
#include "worker/mount_hint.hpp"

namespace jobmill {
namespace {

constexpr const char* entry_name = "jobmill_module_v1";
using Entry = const jobmill_module* (*)();

/// Calls a module's code, whose exceptions become sentences: those that arrive here, and those that
/// end in std::terminate() on their way.
class ModuleCall {
public:
    ModuleCall(const std::string& module, LastResort last_resort)
        : before_(std::set_terminate(on_terminate))
    {
        current_module = &module;
        current_last_resort = last_resort;
    }
    ~ModuleCall() { std::set_terminate(before_); }
    ModuleCall(const ModuleCall&) = delete;
    ModuleCall& operator=(const ModuleCall&) = delete;

    template <typename Call>
    [[nodiscard]] Loading<std::invoke_result_t<Call>> operator()(Call call)
    {
        try {
            return call();
        } catch (...) {
            return describe_exception();
        }
    }

private:
    /// Inside a handler, or when one is being ended by it.
    static tl::unexpected<LoadError> describe_exception()
    {
        std::string what = "unknown exception";
        try {
            if (const auto exception = std::current_exception()) {
                std::rethrow_exception(exception);
            }
        } catch (const std::exception& error) {
            what = error.what();
        } catch (...) {
        }
        return cannot_load(*current_module, "threw while it was loaded: " + what);
    }

    [[noreturn]] static void on_terminate()
    {
        current_last_resort(describe_exception().value());
        ::_exit(exit_code::bad_config);
    }

    static const std::string* current_module;
    static LastResort current_last_resort;

    std::terminate_handler before_;
};
const std::string* ModuleCall::current_module = nullptr;
LastResort ModuleCall::current_last_resort = nullptr;

std::string dl_error()
{
    // There is one thread yet. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* text = ::dlerror();
    return text == nullptr ? "unknown error" : text;
}

std::size_t thread_count()
{
    std::error_code error;
    std::size_t count = 0;
    for (auto entry = std::filesystem::directory_iterator{"/proc/self/task", error};
         !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
        ++count;
    }
    return count;
}

Loading<void> add_handlers(HandlerTable& table, const jobmill_module& module,
                           const std::string& name)
{
    const std::size_t step = module.handler_size;
    if (step < sizeof(jobmill_handler) || step % alignof(jobmill_handler) != 0 ||
        (module.handlers == nullptr && module.handler_count > 0)) {
        return cannot_load(name, "describes its handlers wrongly");
    }
    const auto* at = static_cast<const std::byte*>(static_cast<const void*>(module.handlers));
    for (std::uint32_t i = 0; i < module.handler_count; ++i, at += step) {
        const auto* handler = static_cast<const jobmill_handler*>(static_cast<const void*>(at));
        if (auto added = table.add(*handler, name); !added) {
            return added;
        }
    }
    return {};
}

Loading<void> judge(const jobmill_module* module, const std::string& name)
{
    if (module == nullptr) {
        return cannot_load(name, std::string{"says that it cannot be used: its "} + entry_name +
                                     "() answered null");
    }
    if (module->abi_version != JOBMILL_ABI_VERSION) {
        return cannot_load(
            name, "is built for module interface " + std::to_string(module->abi_version) +
                      "; this jobmill-worker has interface " + std::to_string(JOBMILL_ABI_VERSION));
    }
    if (module->size < sizeof(jobmill_module)) {
        return cannot_load(name, "describes itself in " + std::to_string(module->size) +
                                     " bytes, fewer than interface 1 has");
    }
    return {};
}

Loading<void> load_module(HandlerTable& table, const std::string& path, LastResort last_resort)
{
    ModuleCall call{path, last_resort};
    // Without a slash dlopen would search the system's libraries.
    const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
    const auto opened = call([&] { return ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL); });
    if (!opened) {
        return tl::unexpected<LoadError>(opened.error());
    }
    if (*opened == nullptr) {
        const int absence = ::access(file.c_str(), R_OK) == 0 ? 0 : errno;
        return cannot_load(path, "cannot be loaded: " + dl_error() + mount_hint(file, absence));
    }
    // POSIX says that this conversion works; the language leaves it to the system.
    const auto entry = reinterpret_cast<Entry>(::dlsym(*opened, entry_name));
    if (entry == nullptr) {
        return cannot_load(path, std::string{"is no module: it does not export "} + entry_name);
    }
    const auto module = call([&] { return entry(); });
    if (!module) {
        return tl::unexpected<LoadError>(module.error());
    }
    if (auto judged = judge(*module, path); !judged) {
        return judged;
    }
    return add_handlers(table, **module, path);
}

/// A thread that was waited for is counted until the kernel is done with it.
bool has_one_thread()
{
    constexpr timespec moment{0, 1'000'000};
    constexpr int looks = 100;
    for (int look = 0; look < looks && thread_count() > 1; ++look) {
        (void)::nanosleep(&moment, nullptr);
    }
    return thread_count() <= 1;
}

Loading<void> load_runtime(HandlerTable& table, const Runtime& runtime, Threads threads)
{
    const auto module = runtime.load();
    if (!module) {
        return tl::unexpected<LoadError>(module.error());
    }
    const char* const given = (*module)->name;
    const std::string name = given == nullptr ? "of the runtime" : given;
    if (auto judged = judge(*module, name); !judged) {
        return judged;
    }
    const std::size_t first = table.all().size();
    if (auto added = add_handlers(table, **module, name); !added) {
        return added;
    }
    if (runtime.interrupt() != nullptr) {
        table.make_interruptible(first);
    }
    if (threads == Threads::refused && !has_one_thread()) {
        return tl::unexpected<LoadError>(
            LoadError{"",
                      "what the pool loads has started threads, so its process cannot be forked; "
                      "say start = \"spawn\" for the pool, or keep the library from starting them, "
                      "with OPENBLAS_NUM_THREADS = \"1\" in the pool's environment, for one"});
    }
    return {};
}

Loading<void> load_builtins(HandlerTable& table, const LoadOptions& options)
{
    const auto known = builtin_handlers();
    const auto wanted = [&](std::string_view name) {
        if (!options.builtins) {
            return name != exec_handler_name || options.allow_exec;
        }
        return std::find(options.builtins->begin(), options.builtins->end(), name) !=
               options.builtins->end();
    };
    for (const std::string& name : options.builtins.value_or(std::vector<std::string>{})) {
        const bool exists =
            std::any_of(known.begin(), known.end(),
                        [&](const jobmill_handler& handler) { return name == handler.name; });
        if (!exists) {
            return cannot_load(builtin_module_name, "has no handler \"" + name + '"');
        }
        if (name == exec_handler_name && !options.allow_exec) {
            return cannot_load(builtin_module_name,
                               "has the handler \"exec\", which runs commands and is not allowed");
        }
    }
    for (const jobmill_handler& handler : known) {
        if (!wanted(handler.name)) {
            continue;
        }
        if (auto added = table.add(handler, builtin_module_name); !added) {
            return added;
        }
    }
    return {};
}

}  // namespace

Loading<HandlerTable> load_handlers(const LoadOptions& options, const Runtime& runtime,
                                    Threads threads, LastResort last_resort)
{
    HandlerTable table;
    if (options.allow_paths) {
        handlers::FileRange::allow_paths();
    }
    if (auto loaded = load_builtins(table, options); !loaded) {
        return tl::unexpected<LoadError>(loaded.error());
    }
    for (const std::string& path : options.modules) {
        const std::size_t before = thread_count();
        if (auto loaded = load_module(table, path, last_resort); !loaded) {
            return tl::unexpected<LoadError>(loaded.error());
        }
        if (threads == Threads::refused && thread_count() > before) {
            return cannot_load(path,
                               "started threads while it was loaded, so its process cannot be "
                               "forked; say start = \"spawn\" for its pool");
        }
    }
    if (runtime.present()) {
        if (auto loaded = load_runtime(table, runtime, threads); !loaded) {
            return tl::unexpected<LoadError>(loaded.error());
        }
    }
    return table;
}

}  // namespace jobmill
