import { writeFile } from 'node:fs/promises'
import { command } from '../command.ts'
import { apiClient, serverUrl } from '../client.ts'
import { remoteFlags } from './project.ts'

export const report = command({
  command: 'report <endpoint>',
  describe: 'Write what was found of an endpoint, why, and what was done, as one HTML file',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('endpoint', { type: 'string', demandOption: true })
      .option('since', {
        type: 'string',
        default: '30d',
        describe: 'How long before the newest window, or a time',
      })
      .option('output', {
        type: 'string',
        alias: 'o',
        describe: 'The file (default: ENDPOINT-report.html here); - is standard output',
      })
      .example('$0 report flights-late --since 90d -o flights.html', 'a quarter, to be read')
      .example('$0 report flights-late --json', 'the same, for programs'),
  handler: async ({ endpoint, since, output, json, ...flags }) => {
    const api = apiClient(await serverUrl(flags))
    const path = `/endpoints/${encodeURIComponent(endpoint)}/report`
    const format = json === true ? 'json' : 'html'
    const query = new URLSearchParams({ since, format })
    const bytes = Buffer.concat(await Array.fromAsync(api.stream(`${path}?${query.toString()}`)))
    const file =
      output ?? (json === true ? '-' : `${endpoint.replaceAll(/[^\w.-]/g, '_')}-report.html`)
    if (file === '-') process.stdout.write(json === true ? `${bytes.toString()}\n` : bytes)
    else {
      await writeFile(file, bytes)
      process.stderr.write(`Wrote ${file}; open it in a browser.\n`)
    }
  },
})
