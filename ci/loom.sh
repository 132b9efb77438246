#!/usr/bin/env bash
# Every happens-before edge and every protocol that lives on them, explored by loom:
# each model on each schedule with up to so many preemptions, which the model says.
# A quick run takes some minutes, and cuts the models that have more than 40 000
# executions there, as they say. LOOM_FULL=1 goes deeper, for half an hour or so on two
# cores, and cuts at 1 500 000; LOOM_SECONDS=1800 ends it by then, models not done being
# "out of time". LOOM_MAX_PREEMPTIONS takes the place of what the models say.
# Arguments choose models by name: `ci/loom.sh loom_permit loom_guests_scope`.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/models.sh" loom "$@"
