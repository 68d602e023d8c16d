// SPDX-License-Identifier: MIT
#include "tests/unit/worker/link_end.hpp"

#include <utility>

#include <doctest/doctest.h>

#include "common/fd_io.hpp"

namespace jobmill::test {
namespace {

Heard<TemplateReport> decode_as(const Frame& frame, UniqueFd blob, const TemplateReport*)
{
    auto report = decode_template_report(frame);
    REQUIRE(report);
    return {std::move(*report), Bytes(frame.payload.begin(), frame.payload.end()), std::move(blob)};
}

Heard<WorkerReport> decode_as(const Frame& frame, UniqueFd blob, const WorkerReport*)
{
    auto report = decode_worker_report(frame);
    REQUIRE(report);
    return {std::move(*report), Bytes(frame.payload.begin(), frame.payload.end()), std::move(blob)};
}

}  // namespace

template <typename Report>
void LinkEnd<Report>::send(ByteView frame, std::span<const int> descriptors)
{
    REQUIRE(send_all(socket_.get(), frame, descriptors));
}

template <typename Report>
bool LinkEnd<Report>::read()
{
    Bytes buffer(1U << 16U);
    const auto got = receive_some(socket_.get(), buffer, descriptors_);
    if (!got || got->end) {
        return false;
    }
    received_ += got->size;
    splitter_.feed(ByteView{buffer}.first(got->size));
    return true;
}

template <typename Report>
std::optional<Heard<Report>> LinkEnd<Report>::hear()
{
    while (true) {
        const auto frame = splitter_.next();
        REQUIRE(frame);
        if (*frame) {
            UniqueFd blob;
            if ((*frame)->header.descriptors > 0) {
                REQUIRE(!descriptors_.empty());
                blob = std::move(descriptors_.front());
                descriptors_.pop_front();
            }
            return decode_as(**frame, std::move(blob), static_cast<const Report*>(nullptr));
        }
        if (!read()) {
            return {};
        }
    }
}

template <typename Report>
Bytes LinkEnd<Report>::drain()
{
    Bytes all;
    Bytes buffer(1U << 16U);
    while (true) {
        const auto got = receive_some(socket_.get(), buffer, descriptors_);
        if (!got || got->end) {
            return all;
        }
        received_ += got->size;
        append(all, ByteView{buffer}.first(got->size));
    }
}

template class LinkEnd<TemplateReport>;
template class LinkEnd<WorkerReport>;

}  // namespace jobmill::test
