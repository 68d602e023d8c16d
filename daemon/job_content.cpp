// SPDX-License-Identifier: MIT
#include "daemon/job_content.hpp"

#include <algorithm>
#include <limits>

#include "common/assert.hpp"
#include "common/limits.hpp"

namespace jobmill::daemon {

static_assert(limits::name <= std::numeric_limits<std::uint8_t>::max());
static_assert(limits::meta <= std::numeric_limits<std::uint16_t>::max());

JobContent::JobContent(std::string_view label, ByteView args, ByteView payload)
    : payload_size_(payload.size()),
      args_size_(static_cast<std::uint16_t>(args.size())),
      label_size_(static_cast<std::uint8_t>(label.size()))
{
    JOBMILL_ASSERT(label.size() <= limits::name && args.size() <= limits::meta);
    const std::size_t size = label.size() + args.size() + payload.size();
    if (size > 0) {
        bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);  // NOLINT(*-avoid-c-arrays)
        std::byte* at = bytes_.get();
        for (const ByteView part : {bytes_of(label), args, payload}) {
            at = std::copy(part.begin(), part.end(), at);
        }
    }
}

void JobContent::set_blob(UniqueFd blob, std::uint64_t size)
{
    JOBMILL_ASSERT(payload_size_ == 0);
    blob_ = std::move(blob);
    payload_size_ = size;
}

std::string_view JobContent::label() const
{
    return text_of(part(0, label_size_));
}

ByteView JobContent::args() const
{
    return part(label_size_, args_size_);
}

ByteView JobContent::small_payload() const
{
    return blob_ ? ByteView{} : part(std::size_t{label_size_} + args_size_, payload_size_);
}

}  // namespace jobmill::daemon
