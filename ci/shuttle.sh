#!/usr/bin/env bash
# The models of ci/loom.sh, and larger ones, on schedules that shuttle draws at
# random: SHUTTLE_SCHEDULES (1000) of each kind for each model. A failure prints its
# schedule, and SHUTTLE_RANDOM_SEED runs it again. Arguments choose models by name.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/models.sh" shuttle "$@"
