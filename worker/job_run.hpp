// SPDX-License-Identifier: MIT
// One job on this worker, from its claim to its result: what a handler sees through jobmill_api.
// It owns the payload's memory and the result that is being made.
#pragma once

#include <optional>
#include <string_view>

#include <jobmill/module.h>

#include "common/messages.hpp"
#include "common/segment_layout.hpp"
#include "common/unique_fd.hpp"
#include "worker/birth_state.hpp"
#include "worker/children.hpp"
#include "worker/handler_table.hpp"
#include "worker/link_writer.hpp"
#include "worker/mapping_cache.hpp"
#include "worker/result_blobs.hpp"
#include "worker/soft_limits.hpp"
#include "worker/usage_meter.hpp"

struct jobmill_job {};

namespace jobmill {

/// What a worker has for all of its jobs.
struct WorkerKit {
    LinkWriter link;
    UsageMeter meter{};
    MappingCache mappings{};
    ResultBlobs results{};
    ChildLooks child_looks{measure_look()};
    RestoreTurns restore_turns{};
};

class JobRun : public jobmill_job {
public:
    /// `blobs` are the offer's: the payload's, if it is large, and its inputs'. The offer's views
    /// have to stay valid.
    JobRun(const JobOffer& offer, std::vector<UniqueFd> blobs, SegmentLayout& layout,
           WorkerKit& kit);

    /// Calls the handler and sends the outcome when nothing of the job is left, or can be.
    void run(const LoadedHandler& handler);

    /// Mapped when it is first asked for: whoever passes it on pays nothing for its size.
    [[nodiscard]] ByteView payload();
    /// -1: it came inline.
    [[nodiscard]] int payload_descriptor() const noexcept
    {
        return offer_.has_blob ? blobs_.front().get() : -1;
    }
    [[nodiscard]] std::size_t input_count() const noexcept { return offer_.inputs.size(); }
    /// Mapped as the payload is; empty beyond the last.
    [[nodiscard]] ByteView input(std::size_t index);
    [[nodiscard]] int input_descriptor(std::size_t index) const noexcept;
    [[nodiscard]] const Value* argument(std::string_view name);
    /// All of them: a MessagePack map as it came, or nothing.
    [[nodiscard]] ByteView arguments() const noexcept { return offer_.args; }
    [[nodiscard]] bool cancelled() noexcept;
    void show_life() noexcept;

    /// Errc::invalid, of these three: it is larger than may be, and the job has failed for that.
    [[nodiscard]] Result<void> emit(Stream stream, ByteView bytes);
    void progress(std::uint64_t done, std::uint64_t total, std::string_view note) noexcept;
    [[nodiscard]] Result<void> set_result(ByteView bytes);
    [[nodiscard]] Result<std::span<std::byte>> reserve_result(std::size_t size);
    void set_result_to_payload();
    /// It has failed, with that text, or for that reason.
    void fail(std::string_view text);
    void fail(const jobmill_failure& failure);

private:
    /// The result: inline, or in a blob, or what the payload is.
    struct Outcome {
        Bytes bytes;
        ResultBlobs::Room room;
        std::uint64_t size = 0;
        bool is_payload = false;
        bool is_lent = false;  ///< the handler may use it until it returns
    };

    [[nodiscard]] ByteView map_to_read(int blob, std::size_t size);
    [[nodiscard]] SharedMemory shared_memory() const noexcept;
    void call(const LoadedHandler& handler);
    [[nodiscard]] bool take_place();
    [[nodiscard]] Result<void> judge_size(const char* what, std::uint64_t size);
    [[nodiscard]] Result<void> judge_result(std::uint64_t size);
    void replace_outcome(Outcome outcome);
    void name_limit(bool of_memory, bool starved);
    [[nodiscard]] bool goes_at_once() const noexcept;
    void send_outcome(std::uint64_t run_ns, const Usage& usage, std::uint64_t now);
    void send_result(JobOutcome& message, std::uint64_t now);

    const JobOffer& offer_;
    std::vector<UniqueFd> blobs_;
    SegmentLayout& layout_;
    WorkerKit& kit_;
    SoftLimits* limits_ = nullptr;  ///< in force; not those of a job that has none
    ByteView payload_;
    std::vector<ByteView> inputs_;  ///< empty while they are not mapped
    std::optional<Value> args_;
    Outcome outcome_;
    std::vector<Bytes> lent_before_;  ///< a blob's stay mapped
    std::optional<Cause> failure_;
    /// In force when it began; a child that the handler has forked does not see the layout.
    std::uint64_t most_payload_ = 0;
    bool oversized_ = false;  ///< that is the failure, whatever the handler says of it
};

}  // namespace jobmill
