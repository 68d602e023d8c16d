// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/event.hpp"
#include "daemon/pool_settings.hpp"

namespace jobmill::daemon {

/// The labels that have rules, by name, under the numbers by which the core knows them. A label
/// that has had rules once keeps its number: its jobs may be anywhere.
class Labels {
public:
    /// 0 when the label has no rules.
    [[nodiscard]] core::LabelId find(std::string_view name) const;
    struct Entry {
        core::LabelId id{};
        LabelSettings settings;
        bool is_new = false;  ///< jobs that are there already do not have this number yet
    };
    /// Makes the rules of a label, or changes them.
    Entry set(const LabelSettings& settings);
    [[nodiscard]] const LabelSettings* settings(std::string_view name) const;
    [[nodiscard]] std::vector<Entry> all() const;
    [[nodiscard]] std::size_t size() const noexcept { return labels_.size(); }

    [[nodiscard]] static core::LabelAdjusted event_of(const Entry& entry);

private:
    std::map<std::string, Entry, std::less<>> labels_;
};

}  // namespace jobmill::daemon
