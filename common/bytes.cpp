// SPDX-License-Identifier: MIT
#include "jobmill/bytes.hpp"

namespace jobmill {

std::string_view text_of(ByteView bytes) noexcept
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace jobmill
