// SPDX-License-Identifier: MIT
#pragma once

#include <unordered_map>
#include <vector>

#include "daemon/core/job.hpp"

namespace jobmill::core {

/// The terms of all jobs, each kept once however many jobs share them: a million jobs of one kind
/// cost four bytes each.
class TermsBook {
public:
    [[nodiscard]] TermsHandle take(const JobTerms& terms);
    /// One job less has them.
    void release(TermsHandle handle);
    [[nodiscard]] const JobTerms& operator[](TermsHandle handle) const
    {
        return entries_[number(handle)].terms;
    }
    /// Different terms that are kept: those that some job has, and not many besides.
    [[nodiscard]] std::size_t size() const { return index_.size(); }

private:
    static constexpr TermsHandle none{UINT32_MAX};

    struct Hash {
        std::size_t operator()(const JobTerms& terms) const noexcept;
    };
    [[nodiscard]] TermsHandle find_or_keep(const JobTerms& terms);

    struct Entry {
        JobTerms terms;
        std::uint64_t jobs = 0;
    };

    std::vector<Entry> entries_;
    std::vector<TermsHandle> free_;
    std::unordered_map<JobTerms, TermsHandle, Hash> index_;
    TermsHandle last_ = none;  ///< jobs in a row mostly ask for the same
    std::size_t unused_ = 0;   ///< that no job has just now; the next one may have them again
};

}  // namespace jobmill::core
