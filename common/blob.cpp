// SPDX-License-Identifier: MIT
#include "common/blob.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace jobmill {
namespace {

constexpr int size_seals = F_SEAL_SHRINK | F_SEAL_GROW;

/// Of most machines; smaller mappings have none.
constexpr std::size_t huge_page = std::size_t{2} << 20U;

}  // namespace

Result<UniqueFd> make_blob(std::uint64_t size)
{
    UniqueFd blob{::memfd_create("jobmill-blob", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!blob) {
        return fail_errno("memfd_create", errno);
    }
    if (::ftruncate(blob.get(), static_cast<off_t>(size)) != 0) {
        return fail_errno("ftruncate of a blob", errno);
    }
    if (::fcntl(blob.get(), F_ADD_SEALS, size_seals | F_SEAL_SEAL) != 0) {
        return fail_errno("sealing a blob", errno);
    }
    return blob;
}

Result<std::span<std::byte>> map_blob(int blob, std::size_t size, MapAccess access, MapPages pages)
{
    const bool writes = access == MapAccess::write;
    const bool at_once = pages == MapPages::at_once;
    const int protection = writes ? PROT_READ | PROT_WRITE : PROT_READ;
    const bool large = size >= huge_page;
    const int flags = MAP_SHARED | (at_once && !large ? MAP_POPULATE : 0);
    void* const address = ::mmap(nullptr, size, protection, flags, blob, 0);
    if (address == MAP_FAILED) {
        return fail_errno("mapping a blob of " + std::to_string(size) + " bytes", errno);
    }
    if (large) {
        // Which pages it has is decided when they come, so this is said before. Whether it is
        // followed changes the speed alone.
        (void)::madvise(address, size, MADV_HUGEPAGE);
        if (at_once) {
            (void)::madvise(address, size, writes ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
        }
    }
    return std::span{static_cast<std::byte*>(address), size};
}

Result<void> write_blob(int blob, std::uint64_t offset, ByteView bytes)
{
    while (!bytes.empty()) {
        const ssize_t written =
            ::pwrite(blob, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return fail_errno("writing a blob", written < 0 ? errno : ENOSPC);
        }
        offset += static_cast<std::uint64_t>(written);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> read_blob(int blob, std::uint64_t offset, std::span<std::byte> to)
{
    while (!to.empty()) {
        const ssize_t size = ::pread(blob, to.data(), to.size(), static_cast<off_t>(offset));
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return fail_errno("reading a blob", errno);
        }
        if (size == 0) {
            return fail(Errc::invalid, "reading a blob: it ends too early");
        }
        offset += static_cast<std::uint64_t>(size);
        to = to.subspan(static_cast<std::size_t>(size));
    }
    return {};
}

Result<void> check_blob(int descriptor, std::uint64_t declared_size)
{
    const int seals = ::fcntl(descriptor, F_GET_SEALS);
    if (seals < 0) {
        return fail(Errc::invalid, "the descriptor is no memfd that can be sealed");
    }
    if ((seals & size_seals) != size_seals) {
        return fail(Errc::invalid, "the memfd is not sealed against shrinking and growing");
    }
    if ((::fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_WRONLY) {
        return fail(Errc::invalid, "the memfd cannot be read by this descriptor");
    }
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        return fail_errno("fstat of a blob", errno);
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (!blob_fits(size, declared_size)) {
        return fail(Errc::invalid, "the memfd has " + std::to_string(size) +
                                       " bytes, not the declared " + std::to_string(declared_size) +
                                       " or up to twice as many");
    }
    return {};
}

}  // namespace jobmill
