import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'

/** A service of this machine that a stage may reach though it has no network: the server that records its run. */
export interface Reachable {
  readonly host: string
  readonly port: number
}

/** The server that variables name for tracking; undefined where none is named, or where it has no port of its own. */
export function trackingServer(
  variables: Readonly<Record<string, string | undefined>>,
): Reachable | undefined {
  const uri = variables['MLFLOW_TRACKING_URI'] ?? ''
  if (!/^https?:\/\//.test(uri) || !URL.canParse(uri)) return undefined
  const { protocol, hostname, port } = new URL(uri)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: Number(port) || (protocol === 'https:' ? 443 : 80) }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** Takes calls at a socket in this folder, which is shown inside, and leads them to the service. */
export async function openBridge(folder: string, to: Reachable): Promise<{ close(): void }> {
  const open = new Set<{ destroy(): void }>()
  const server: Server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: to.host, port: to.port, allowHalfOpen: true })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => open.delete(one))
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(join(folder, SOCKET), resolve)
  })
  return {
    close: () => {
      server.close()
      for (const each of open) each.destroy()
    },
  }
}

const SOCKET = 'service'

/** Inside: the words that run others once what they call at the service's own address goes over the bridge. */
export function acrossBridge(node: string, folder: string, { host, port }: Reachable): string[] {
  const at = host === '::1' ? host : '127.0.0.1'
  return [node, '-e', INSIDE, '--', join(folder, SOCKET), at, String(port)]
}

/**
 * Runs in the room, by itself: it knows nothing of this program. It is asked to end together with the command, and
 * lets the command say how.
 */
const INSIDE = `
const { connect, createServer } = require('node:net')
const { spawn } = require('node:child_process')
const [path, host, port, program, ...words] = process.argv.slice(1)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {})
const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ path, allowHalfOpen: true })
  near.on('error', () => far.destroy()); far.on('error', () => near.destroy())
  near.pipe(far); far.pipe(near)
})
server.on('error', (error) => { console.error('the way to the tracking server: ' + error.message); process.exit(126) })
server.listen({ host, port: Number(port) }, () => {
  const child = spawn(program, words, { stdio: 'inherit' })
  child.on('error', (error) => { console.error(error.message); process.exit(127) })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal); process.kill(process.pid, signal)
    setTimeout(() => process.exit(128), 100)
  })
})
`
