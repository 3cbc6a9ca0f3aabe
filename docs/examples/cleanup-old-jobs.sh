#!/bin/bash
# cleanup-old-jobs.sh: delete the jobs that have not been executed for 30 days.
#
# A job that was never executed is new, not old: it stays.

SCHEDULE=${SCHEDULE:-http://localhost:1323/tumblebug/registerCspResources/schedule}

OLD_JOBS=$(curl -s "$SCHEDULE" | jq -r '
  .jobs[]
  | select(.lastExecutedAt != "" and .lastExecutedAt < ((now - 2592000) | todate))
  | .jobId')

for jobId in $OLD_JOBS; do
  echo "Deleting old job: $jobId"
  curl -s -X DELETE "$SCHEDULE/$jobId"
done
