// SPDX-License-Identifier: MIT
#include "client/commands/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

namespace jobmill::commands {
namespace {

constexpr std::size_t most_in_memory = std::size_t{128} * 1024;

Result<UniqueFd> unnamed_file()
{
    const char* chosen = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string directory = chosen == nullptr || *chosen == '\0' ? "/tmp" : chosen;
    UniqueFd file{::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (!file) {
        return fail_errno("a temporary file in " + directory, errno);
    }
    return file;
}

}  // namespace

Result<void> Spool::add(ByteView bytes)
{
    append(newest_, bytes);
    size_ += bytes.size();
    return newest_.size() > most_in_memory ? spill() : Result<void>{};
}

/// Overwrites what an attempt before may have left there of these bytes.
Result<void> Spool::spill()
{
    if (files_.empty() || files_.back().size >= file_size_) {
        JOBMILL_TRY_ASSIGN(UniqueFd fd, unnamed_file());
        files_.push_back(File{.fd = std::move(fd)});
    }
    File& file = files_.back();
    ByteView rest{newest_};
    while (!rest.empty()) {
        const ssize_t size = ::pwrite(file.fd.get(), rest.data(), rest.size(),
                                      static_cast<off_t>(file.size + newest_.size() - rest.size()));
        if (size < 0 && errno != EINTR) {
            return fail_errno("keeping output in a temporary file", errno);
        }
        rest = rest.subspan(size < 0 ? 0 : static_cast<std::size_t>(size));
    }
    file.size += newest_.size();
    newest_.clear();
    return {};
}

Result<void> Spool::load()
{
    removed_ = 0;
    oldest_.clear();
    while (!files_.empty() && files_.front().taken == files_.front().size) {
        files_.pop_front();
    }
    if (files_.empty()) {
        std::swap(oldest_, newest_);
        return {};
    }
    File& file = files_.front();
    oldest_.resize(std::min<std::uint64_t>(most_in_memory, file.size - file.taken));
    ssize_t size = 0;
    do {
        size =
            ::pread(file.fd.get(), oldest_.data(), oldest_.size(), static_cast<off_t>(file.taken));
    } while (size < 0 && errno == EINTR);
    if (size <= 0) {
        oldest_.clear();
        return fail_errno("reading a temporary file", size < 0 ? errno : EIO);
    }
    oldest_.resize(static_cast<std::size_t>(size));
    file.taken += oldest_.size();
    return {};
}

Result<ByteView> Spool::front()
{
    if (removed_ == oldest_.size()) {
        JOBMILL_TRY(load());
    }
    return ByteView{oldest_}.subspan(removed_);
}

void Spool::remove(std::size_t size)
{
    removed_ += size;
    size_ -= size;
}

}  // namespace jobmill::commands
