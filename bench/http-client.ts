import { Agent, request } from 'node:http'

/** A plain client that keeps one connection, the same for every server that is measured. */
export interface HttpClient {
  post(path: string, body: string): Promise<string>
  close(): void
}

export function httpClient(url: string): HttpClient {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const post = (path: string, body: string) =>
    new Promise<string>((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      }
      const sending = request(
        { agent, hostname, port, path, method: 'POST', headers },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8')
          answer.on('data', (chunk: string) => (text += chunk))
          answer.on('error', reject)
          answer.on('end', () => {
            if (answer.statusCode === 200) resolve(text)
            else reject(new Error(`${path} was answered with ${answer.statusCode}: ${text}`))
          })
        },
      )
      sending.on('error', (error: NodeJS.ErrnoException) => {
        // A kept connection may be closed by the server just as it is used again; nothing was answered then.
        if (sending.reusedSocket && error.code === 'ECONNRESET') resolve(post(path, body))
        else reject(error)
      })
      sending.end(body)
    })
  return { post, close: () => agent.destroy() }
}
