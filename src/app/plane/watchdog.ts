import { workerData } from 'node:worker_threads'

// Runs beside the plane’s own thread and ends its process when the server is gone.

const POLL_MS = 1000

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL')
}, POLL_MS)
