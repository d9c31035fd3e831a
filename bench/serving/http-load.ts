import { connect } from 'node:net'
import type { Asked } from './asked.ts'

const END_OF_HEAD = Buffer.from('\r\n\r\n')
const END_OF_CHUNKS = Buffer.from('0\r\n\r\n')

/** One kept connection that asks again as soon as it is answered, until `isOver`; gives each answer's time. */
export function askOverHttp(
  { url, bodies, headers }: Asked,
  { isOver, note }: { isOver: () => boolean; note: (tookMs: number) => void },
): Promise<void> {
  const { hostname, port, pathname } = new URL(url)
  const head = [`POST ${pathname} HTTP/1.1`, `host: ${hostname}:${port}`, ...headers]
  const requests = bodies.map((body) => requestOf(head, body))
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    let asked = 0
    let sentMs = 0
    let received: Buffer = Buffer.alloc(0)
    const send = () => {
      sentMs = performance.now()
      socket.write(requests[asked++ % requests.length] as Buffer)
    }
    socket.once('connect', send)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`${url} closed the connection`)))
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      if (!isWhole(received)) return
      note(performance.now() - sentMs)
      if (!received.subarray(9, 12).equals(OK)) reject(new Error(`${url}: ${received.toString()}`))
      received = Buffer.alloc(0)
      if (!isOver()) return send()
      socket.removeAllListeners('close')
      socket.end()
      resolve()
    })
  })
}

const OK = Buffer.from('200')

function requestOf(head: readonly string[], body: Buffer): Buffer {
  const lines = [...head, `content-length: ${body.length}`, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(lines), body])
}

/** Whether an answer has come to its end. */
function isWhole(answer: Buffer): boolean {
  const end = answer.indexOf(END_OF_HEAD)
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.toString('latin1', 0, end))?.[1]
  if (length !== undefined) return answer.length >= end + END_OF_HEAD.length + Number(length)
  return answer.subarray(-END_OF_CHUNKS.length).equals(END_OF_CHUNKS)
}
