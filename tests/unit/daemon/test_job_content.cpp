// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "common/limits.hpp"
#include "daemon/job_content.hpp"

namespace jobmill::daemon {

TEST_CASE("label, arguments and payload come out as they went in")
{
    const JobContent content{"label", bytes_of("args"), bytes_of("payload")};
    CHECK(content.label() == "label");
    CHECK(text_of(content.args()) == "args");
    CHECK(text_of(content.small_payload()) == "payload");
    CHECK(content.payload_size() == 7);
    CHECK_FALSE(content.blob());
}

TEST_CASE("a job without anything has nothing")
{
    const JobContent content{};
    CHECK(content.label().empty());
    CHECK(content.args().empty());
    CHECK(content.small_payload().empty());
    CHECK(content.payload_size() == 0);
}

TEST_CASE("a few bytes and many come out the same, wherever they are moved")
{
    const std::string text = "0123456789abcdef";
    for (std::size_t size = 0; size <= text.size(); ++size) {
        for (std::size_t cut = 0; cut <= size; ++cut) {
            const std::string label = text.substr(0, cut);
            const std::string payload = text.substr(cut, size - cut);
            JobContent content{label, {}, bytes_of(payload)};
            JobContent moved{std::move(content)};
            JobContent target{"another label", bytes_of("x"), bytes_of("another payload")};
            target = std::move(moved);
            CHECK(target.label() == label);
            CHECK(target.args().empty());
            CHECK(text_of(target.small_payload()) == payload);
        }
    }
}

TEST_CASE("the longest of each fits")
{
    const std::string label(limits::name, 'l');
    const Bytes args(limits::meta, std::byte{1});
    const Bytes payload(limits::inline_payload, std::byte{2});
    const JobContent content{label, args, payload};
    CHECK(content.label() == label);
    CHECK(content.args().size() == limits::meta);
    CHECK(content.args().back() == std::byte{1});
    CHECK(content.small_payload().size() == limits::inline_payload);
    CHECK(content.small_payload().front() == std::byte{2});
}

TEST_CASE("a blob stands for the payload, beside label and arguments")
{
    JobContent content{"label", bytes_of("args"), {}};
    auto blob = make_blob(100'000);
    REQUIRE(blob.has_value());
    content.set_blob(std::move(*blob), 100'000);
    CHECK(content.blob());
    CHECK(content.payload_size() == 100'000);
    CHECK(content.small_payload().empty());
    const JobContent moved = std::move(content);
    CHECK(moved.label() == "label");
    CHECK(text_of(moved.args()) == "args");
}

TEST_CASE("a shared blob and what counts it last until the last one that has it")
{
    const auto count = std::make_shared<int>(0);
    JobContent put;
    auto blob = make_blob(100'000);
    REQUIRE(blob.has_value());
    const int descriptor = blob->get();
    put.set_blob(std::move(*blob), 100'000);
    CHECK_FALSE(put.is_shared());
    put.make_shared(count);
    JobContent job{"label", {}, {}};
    job.share_blob(put);
    CHECK(job.is_shared());
    CHECK(job.blob().get() == descriptor);
    CHECK(job.payload_size() == 100'000);
    put = JobContent{};
    CHECK(count.use_count() == 2);
    JobContent moved = std::move(job);
    CHECK(::fcntl(descriptor, F_GETFD) >= 0);
    moved = JobContent{};
    CHECK(count.use_count() == 1);
    CHECK(::fcntl(descriptor, F_GETFD) < 0);
}

}  // namespace jobmill::daemon
