// SPDX-License-Identifier: MIT
#include "common/segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include <boost/interprocess/mapped_region.hpp>

namespace jobmill {
namespace {

namespace ipc = boost::interprocess;

/// What mapped_region wants to know of a memory object.
class MemfdObject {
public:
    explicit MemfdObject(int fd) : fd_(fd) {}
    [[nodiscard]] ipc::mapping_handle_t get_mapping_handle() const { return {fd_, false}; }
    [[nodiscard]] static ipc::mode_t get_mode() { return ipc::read_write; }

private:
    int fd_;
};

}  // namespace

struct Segment::Mapping {
    ipc::mapped_region region;
};

Segment::Segment(std::unique_ptr<Mapping> mapping)
    : mapping_(std::move(mapping)),
      layout_(static_cast<SegmentLayout*>(mapping_->region.get_address()))
{
}

Segment::Segment(Segment&&) noexcept = default;
Segment& Segment::operator=(Segment&&) noexcept = default;
Segment::~Segment() = default;

Result<UniqueFd> Segment::make_memory()
{
    UniqueFd memory{::memfd_create("jobmill-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!memory) {
        return fail_errno("memfd_create", errno);
    }
    // Allocated now: a page that cannot be had later would be a SIGBUS in the worker.
    if (const int error = ::posix_fallocate(memory.get(), 0, sizeof(SegmentLayout)); error != 0) {
        return fail_errno("allocating a segment", error);
    }
    if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return fail_errno("sealing a segment", errno);
    }
    return memory;
}

Result<Segment> Segment::map(const UniqueFd& memory)
{
    struct stat status {};
    if (::fstat(memory.get(), &status) != 0) {
        return fail_errno("fstat of a segment", errno);
    }
    if (status.st_size != static_cast<off_t>(sizeof(SegmentLayout))) {
        return fail(Errc::invalid, "a segment of a wrong size");
    }
    try {
        return Segment{std::make_unique<Mapping>(Mapping{ipc::mapped_region{
            MemfdObject{memory.get()}, ipc::read_write, 0, sizeof(SegmentLayout)}})};
    } catch (const ipc::interprocess_exception& error) {
        return fail(Errc::exhausted, std::string{"mapping a segment: "} + error.what());
    }
}

Result<void> Segment::keep_from_children()
{
    if (::madvise(layout_, sizeof(SegmentLayout), MADV_DONTFORK) != 0) {
        return fail_errno("madvise(MADV_DONTFORK)", errno);
    }
    return {};
}

}  // namespace jobmill
