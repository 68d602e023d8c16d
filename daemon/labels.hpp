// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/event.hpp"
#include "daemon/pool_settings.hpp"

namespace jobmill::daemon {

/// The labels that have rules, by name, under the numbers by which the core knows them. The number
/// of a label whose rules were taken away is another's once no job has it any more.
class Labels {
public:
    /// 0 when the label has no rules.
    [[nodiscard]] core::LabelId find(std::string_view name) const;
    struct Entry {
        core::LabelId id{};
        LabelSettings settings;
        bool is_new = false;  ///< jobs that are there already do not have this number yet
    };
    /// Makes the rules of a label, changes them, or takes them away: those that say what holds for
    /// every label are none. `used`: by number, whether jobs have it. The number that the core is
    /// to know these rules under; 0 when there were none and are none.
    Entry set(const LabelSettings& settings, const std::vector<bool>& used);
    [[nodiscard]] static bool are_rules(const LabelSettings& settings);
    [[nodiscard]] const LabelSettings* settings(std::string_view name) const;
    [[nodiscard]] std::vector<Entry> all() const;
    [[nodiscard]] std::size_t size() const noexcept { return labels_.size(); }

    [[nodiscard]] static core::LabelAdjusted event_of(const Entry& entry);

private:
    [[nodiscard]] core::LabelId take_number(const std::vector<bool>& used);

    std::map<std::string, Entry, std::less<>> labels_;
    std::vector<core::LabelId> former_;  ///< numbers of labels that have no rules any more
    std::uint32_t last_ = 0;
};

}  // namespace jobmill::daemon
