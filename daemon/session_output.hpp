// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "common/messages.hpp"
#include "daemon/channel.hpp"
#include "daemon/held_accepts.hpp"
#include "daemon/job_record.hpp"
#include "daemon/output_room.hpp"
#include "daemon/session_tags.hpp"
#include "daemon/spelling.hpp"

namespace jobmill::daemon {

/// What a session says, in its spelling. Small messages go out at once; a large payload goes in
/// pieces, and the jobs that have one take turns, so that no small result waits behind a large one.
/// Messages about one job keep their order.
class SessionOutput {
public:
    /// Where it counts what its client has not read.
    struct Account {
        OutputRoom& room;
        unsigned uid = 0;
    };

    /// What a client gets of a result in a blob, if it may have it as it lies: a descriptor. The
    /// blob is taken out of the payload then.
    using Lend = std::function<UniqueFd(JobId, Payload&)>;

    struct Callbacks {
        Lend lend;
        /// The last byte of a job's result was handed to the channel.
        std::function<void(Tag)> result_is_out;
        /// There begins to be so much unread that no more of the client's jobs should begin (true),
        /// or it has read most of that (false).
        std::function<void(bool)> is_full;
    };

    SessionOutput(Channel& channel, const SessionTags& tags, const Account& account,
                  HeldAccepts& held_accepts, Callbacks callbacks)
        : channel_(channel),
          tags_(tags),
          share_(account.room, account.uid, [this] { judge_fullness(); }),
          held_accepts_(held_accepts),
          callbacks_(std::move(callbacks))
    {
    }
    SessionOutput(const SessionOutput&) = delete;
    SessionOutput& operator=(const SessionOutput&) = delete;
    ~SessionOutput();

    void spell(Spelling spelling) noexcept { spelling_ = spelling; }
    [[nodiscard]] Spelling spelling() const noexcept { return spelling_; }
    /// From now on large results may go in descriptors.
    void take_blobs() noexcept { takes_blobs_ = true; }

    /// A small message. `id` is for requests whose tag is no job's; JSON only.
    void send(const Reply& reply, std::string_view id);
    /// A small message about a job; keeps its place among that job's messages.
    void send_about(Tag tag, Reply reply);
    /// Left out while the job has something large on its way: the next one is as good.
    void send_progress(const Progress& progress);
    void send_chunk(const Chunk& head, Payload&& payload);
    void send_result(JobResult&& head, Payload&& payload);

    /// Gathers acknowledgements; they are said before anything else is said.
    void accept(Tag tag, JobId job, bool detached);
    void send_accepted();
    /// Says them, or leaves them for a moment to the results that are likely to come meanwhile.
    void send_accepted_soon();

    /// Appends pieces while the channel has room for them.
    void pump();

    /// The reader is so far behind that this job's worker has to wait.
    [[nodiscard]] bool congested(Tag tag) const;
    [[nodiscard]] bool behind() const;
    /// There is so much before the client that none of its jobs should begin.
    [[nodiscard]] bool full() const noexcept { return full_; }
    /// Whether so much more at once has room beside what the user's other sessions have unread.
    [[nodiscard]] bool has_room(std::uint64_t bytes) const { return share_.has_room(bytes); }
    /// The client gets nothing any more.
    void end() { share_.end(); }
    /// Compares what is before the client with what may be. To be called after each flush, and
    /// before full() is asked for: small results alone are judged when they are many.
    void judge_fullness();
    [[nodiscard]] bool idle() const { return lanes_.empty() && channel_.unsent() == 0; }

private:
    friend class HeldAccepts;
    struct Waiting {
        Reply head;
        Payload payload;
        UniqueFd lent;  ///< it goes in this descriptor
        std::uint64_t offset = 0;
        bool begun = false;
        bool is_result = false;
    };
    using Lane = std::deque<Waiting>;

    void encode_now(const Reply& reply, std::string_view id);
    [[nodiscard]] bool goes_at_once(Tag tag, const Payload& payload) const;
    template <typename Head>
    void send_at_once(Head& head, const Payload& payload);
    void push(Tag tag, Waiting waiting);
    [[nodiscard]] static bool is_large(const Payload& payload);
    [[nodiscard]] static bool is_large(const Waiting& message);
    void begin(Tag tag, Waiting& message, bool large);
    [[nodiscard]] bool step(Tag tag, Waiting& message);
    void advance_lane(Tag tag, Lane& lane);
    [[nodiscard]] std::uint64_t window() const;

    Channel& channel_;
    const SessionTags& tags_;
    OutputRoom::Share share_;
    HeldAccepts& held_accepts_;
    Callbacks callbacks_;
    Spelling spelling_ = Spelling::undecided;
    bool takes_blobs_ = false;

    std::unordered_map<std::uint64_t, Lane> lanes_;  ///< jobs that have a large message on its way
    std::deque<Tag> turns_;
    std::uint64_t withheld_ = 0;  ///< bytes of payloads that the channel has not got yet
    /// The large message that found none before it, and what of it the channel has not got yet.
    Tag foremost_{};
    std::uint64_t foremost_left_ = 0;
    bool full_ = false;
    std::uint64_t judged_ = 0;  ///< so much was before the client when that was last judged

    Tag first_accepted_{};
    JobId first_job_{};
    std::uint32_t accepted_ = 0;
    std::vector<std::string> accepted_ids_;
    bool accepted_detached_ = false;         ///< one of them is all that its job's client will hear
    std::optional<std::size_t> held_place_;  ///< among held_accepts_, which keeps it
    bool prompt_ = false;                    ///< the last result came soon after its submit
    Bytes piece_;
};

}  // namespace jobmill::daemon
