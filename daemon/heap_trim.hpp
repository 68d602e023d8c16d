// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace jobmill::daemon {

/// Gives the memory of a burst back to the system. malloc by itself gives back only what lies above
/// all that is in use, and one small block that stays keeps hundreds of megabytes.
class HeapTrim {
public:
    /// So much is kept: what comes again and again is not to be fetched anew each time.
    static constexpr std::uint64_t kept = std::uint64_t{32} << 20U;

    /// Something was done, which may have taken memory.
    void worked() noexcept { worked_ = true; }
    /// To be called now and then. Takes its time, some milliseconds for each 100 MB, so it does
    /// something only when nobody waits: `at_rest`.
    void look(bool at_rest);

private:
    bool worked_ = false;
    std::uint64_t least_ = 0;  ///< bytes that we had when nothing was left to give back
};

}  // namespace jobmill::daemon
