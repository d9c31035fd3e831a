import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { pathToFileURL } from 'node:url'
import { nodeIsNewEnough } from './node.mjs'

/** Goes on as `file`: in this process where its Node is new enough, else in one that `node` runs. */
export async function become(node, file, args) {
  if (!nodeIsNewEnough) return handOver(node, [file, ...args])
  process.argv = [process.execPath, file, ...args]
  await import(pathToFileURL(file).href)
}

// The child gets every signal that this process gets, and this process ends as the child ended.
function handOver(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' })
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`${command} could not be started: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + (constants.signals[signal] ?? 0))
  })
}
