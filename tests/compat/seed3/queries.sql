SELECT job_id, started_at, duration_seconds, success, message
FROM job_executions
ORDER BY started_at DESC
LIMIT 20;

SELECT *
FROM job_executions
WHERE success = false
  AND started_at >= NOW() - INTERVAL '24 hours'
ORDER BY started_at DESC;

SELECT 
  job_id,
  COUNT(*) as total_runs,
  SUM(CASE WHEN success THEN 1 ELSE 0 END) as successful_runs,
  AVG(duration_seconds) as avg_duration
FROM job_executions
WHERE started_at >= NOW() - INTERVAL '7 days'
GROUP BY job_id;
