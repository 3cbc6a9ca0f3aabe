#!/bin/bash
# check-jobs.sh

JOBS=$(curl -s http://localhost:1323/tumblebug/registerCspResources/schedule)

# Check failing jobs
FAILED=$(echo $JOBS | jq '[.jobs[] | select(.consecutiveFailures >= 3)] | length')

if [ $FAILED -gt 0 ]; then
  echo "WARNING: $FAILED jobs with failures detected"
  echo $JOBS | jq '.jobs[] | select(.consecutiveFailures >= 3) | {jobId, consecutiveFailures, lastError}'
  
  # Send alert (Slack, Email, etc.)
  # send-alert.sh "Job failures detected"
fi
