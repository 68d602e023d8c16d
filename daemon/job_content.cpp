// SPDX-License-Identifier: MIT
#include "daemon/job_content.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "common/assert.hpp"
#include "common/limits.hpp"
#include "daemon/kept_blocks.hpp"

namespace jobmill::daemon {

static_assert(limits::name <= std::numeric_limits<std::uint8_t>::max());
static_assert(limits::meta <= std::numeric_limits<std::uint16_t>::max());

JobContent::JobContent(std::string_view label, ByteView args, ByteView payload)
    : payload_{.small_size = payload.size()},
      args_size_(static_cast<std::uint16_t>(args.size())),
      label_size_(static_cast<std::uint8_t>(label.size()))
{
    JOBMILL_ASSERT(label.size() <= limits::name && args.size() <= limits::meta);
    std::byte* at = stored_.few.data();
    if (!are_few()) {
        stored_.many = KeptBlocks::of_the_daemon().take(stored_size());
        at = stored_.many;
    }
    for (const ByteView part : {bytes_of(label), args, payload}) {
        at = std::copy(part.begin(), part.end(), at);
    }
}

JobContent::~JobContent()
{
    if (!are_few()) {
        KeptBlocks::of_the_daemon().give_back(stored_.many, stored_size());
    }
    if (is_blob_ && --payload_.blob->holders == 0) {
        const std::unique_ptr<Blob> owned{payload_.blob};
    }
}

void JobContent::swap(JobContent& other) noexcept
{
    std::swap(stored_, other.stored_);
    std::swap(payload_, other.payload_);
    std::swap(is_blob_, other.is_blob_);
    std::swap(args_size_, other.args_size_);
    std::swap(label_size_, other.label_size_);
}

ByteView JobContent::part(std::size_t offset, std::size_t size) const
{
    return {(are_few() ? stored_.few.data() : stored_.many) + offset, size};
}

void JobContent::set_blob(UniqueFd blob, std::uint64_t size)
{
    JOBMILL_ASSERT(payload_size() == 0 && !is_blob_ && blob);
    payload_.blob =
        std::make_unique<Blob>(Blob{.descriptor = std::move(blob), .size = size}).release();
    is_blob_ = true;
}

void JobContent::make_shared(std::shared_ptr<void> account)
{
    JOBMILL_ASSERT(is_blob_);
    payload_.blob->shared = true;
    payload_.blob->account = std::move(account);
}

void JobContent::share_blob(const JobContent& other)
{
    JOBMILL_ASSERT(payload_size() == 0 && !is_blob_ && other.is_shared());
    payload_.blob = other.payload_.blob;
    ++payload_.blob->holders;
    is_blob_ = true;
}

const UniqueFd& JobContent::blob() const noexcept
{
    static const UniqueFd none;
    return is_blob_ ? payload_.blob->descriptor : none;
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
    return is_blob_ ? ByteView{} : part(std::size_t{label_size_} + args_size_, payload_.small_size);
}

}  // namespace jobmill::daemon
