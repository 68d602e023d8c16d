// SPDX-License-Identifier: MIT
// A worker's life after its birth: offers come over the link, one after another; each is claimed,
// run and answered before the next is looked at.
#pragma once

#include <deque>

#include "common/frame.hpp"
#include "common/segment_layout.hpp"
#include "common/unique_fd.hpp"
#include "worker/job_run.hpp"
#include "worker/runtime.hpp"

namespace jobmill {

class JobLoop {
public:
    JobLoop(int link, SegmentLayout& layout, const Equipment& equipment);

    /// Says ready, then serves. Returns when the daemon has closed the link.
    void run(WorkerId worker);

private:
    [[nodiscard]] bool read();
    void serve_all();
    [[nodiscard]] bool more_is_there() const;
    void await_offer();
    void spin();
    void rest();
    void serve(const Frame& frame);
    [[nodiscard]] std::vector<UniqueFd> take_descriptors(const Frame& frame);

    int link_;
    SegmentLayout& layout_;
    const Equipment& equipment_;
    WorkerKit kit_;
    FrameSplitter splitter_{Link::worker, Direction::from_daemon};
    std::deque<UniqueFd> descriptors_;
    Bytes buffer_;
    Sequence last_{};     ///< that was offered
    bool rested_ = true;  ///< since its last job
};

}  // namespace jobmill
