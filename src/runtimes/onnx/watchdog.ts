import { workerData } from 'node:worker_threads'

// Runs beside a serving process's own thread and ends the process when its server is gone.

const POLL_MS = 1000

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL')
}, POLL_MS)
