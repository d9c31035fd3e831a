import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { IS_BOUND } from '#base/bound'

/** Has a forked process end with the one that forked it, also if its own thread is busy or that was killed. */
export function endWithParent(): void {
  process.on('disconnect', () => process.exit(0))
  // A signal to the whole group (Ctrl-C) is for the server: it drains first and then closes the channel.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => undefined)
  if (process.argv.includes(IS_BOUND)) return
  // A loop that never ends blocks this thread, and with it the event above.
  new Worker(new URL(`./watchdog${extname(import.meta.url)}`, import.meta.url), {
    workerData: process.ppid,
    stdout: true,
    stderr: true,
  }).unref()
}
