// SPDX-License-Identifier: MIT
#include "worker/runtime.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "common/utf8.hpp"

namespace jobmill {
namespace {

/// More is cut by whoever writes it.
constexpr std::size_t longest_why = 4096;

}  // namespace

Result<Runtime> Runtime::of(const jobmill_runtime* runtime)
{
    if (runtime == nullptr || runtime->abi_version != JOBMILL_RUNTIME_VERSION) {
        return fail(Errc::invalid,
                    "the runtime's interface is version " +
                        std::to_string(runtime == nullptr ? 0 : runtime->abi_version) +
                        ", this library's is " + std::to_string(JOBMILL_RUNTIME_VERSION));
    }
    if (runtime->size < sizeof(jobmill_runtime) || runtime->load == nullptr) {
        return fail(Errc::invalid, "the runtime describes itself wrongly");
    }
    return Runtime{runtime};
}

Loading<const jobmill_module*> Runtime::load() const
{
    std::array<char, longest_why> why{};
    const jobmill_module* const module = c_->load(c_->context, why.data(), why.size());
    if (module == nullptr) {
        why.back() = '\0';
        const std::string text = to_valid_utf8(why.data());
        return tl::unexpected<LoadError>(
            LoadError{"", text.empty() ? "the pool's runtime cannot load its handlers" : text});
    }
    return module;
}

pid_t Runtime::fork() const
{
    if (c_ == nullptr || c_->fork == nullptr) {
        return ::fork();
    }
    errno = 0;
    const pid_t pid = c_->fork(c_->context);
    if (pid < 0 && errno == 0) {
        errno = EAGAIN;
    }
    return pid;
}

void Runtime::begin_worker() const
{
    if (c_ != nullptr && c_->begin_worker != nullptr) {
        c_->begin_worker(c_->context);
    }
}

void Runtime::idle() const
{
    if (c_ != nullptr && c_->idle != nullptr) {
        c_->idle(c_->context);
    }
}

void (*Runtime::interrupt() const noexcept)()
{
    return c_ == nullptr ? nullptr : c_->interrupt;
}

}  // namespace jobmill
