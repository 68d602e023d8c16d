// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/commands/common_options.hpp"
#include "jobmill/client.hpp"

namespace jobmill::commands {

/// What map makes of each item: a handler's payload, or a word in a command.
class ItemPattern {
public:
    /// Borrows the options. With this process's directory and environment, for commands.
    [[nodiscard]] static Result<ItemPattern> from(const WorkOptions& work);

    /// The job of an item, which it borrows. `number` is from 1.
    [[nodiscard]] Result<NewJob> job(std::uint64_t number, std::string_view item) const;

    /// Whether jobs differ in nothing but their payload.
    [[nodiscard]] bool is_alike() const noexcept { return !is_command(); }

    /// The job of an item as a line of sh.
    [[nodiscard]] std::string command(std::uint64_t number, std::string_view item) const;

    /// Bytes of the item that travel as the job's payload.
    [[nodiscard]] std::size_t payload_size(std::string_view item) const noexcept
    {
        return is_command() ? 0 : item.size();
    }

private:
    explicit ItemPattern(const WorkOptions& work) : work_(&work) {}
    [[nodiscard]] bool is_command() const noexcept { return work_->handler.empty(); }

    const WorkOptions* work_;
    Map arguments_;
    std::string label_;
};

}  // namespace jobmill::commands
