import { Agent, request as httpRequest } from 'node:http'

/** Nobody waits longer for the answer to a bad request. */
const ANSWER_MS_MAX = 5000

/** A request as it goes over the wire: nothing is made tidy on its way. */
export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 })

/** Sends and awaits the answer; one that does not come in time is an error. */
export function send(url: string, { method, path, headers, body }: RawRequest): Promise<Answer> {
  const { hostname, port } = new URL(url)
  // Node leaves the length out of requests of some methods, which nobody can read then.
  const isChunked = headers?.['transfer-encoding'] !== undefined
  const length =
    body === undefined || isChunked ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const lengthened = { ...length, ...headers }
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, agent, method, path, headers: lengthened })
    const late = setTimeout(
      () => request.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)),
      ANSWER_MS_MAX,
    )
    request.once('close', () => clearTimeout(late))
    // A server may answer and hang up before it has read all: the answer is what counts.
    let answered = false
    request.once('error', (error) => {
      if (!answered) reject(error)
    })
    request.once('response', (response) => {
      answered = true
      const { statusCode = 0, headers: told } = response
      const done = (text: string) => resolve({ status: statusCode, headers: told, text })
      // A stream of events never ends by itself.
      if (told['content-type'] === 'text/event-stream') {
        done('')
        request.destroy()
        return
      }
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.once('end', () => done(text))
      response.once('error', reject)
    })
    request.end(body)
  })
}
