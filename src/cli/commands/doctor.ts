import { spawnSync } from 'node:child_process'
import { loadConfig, variableOf } from '#app/settings/config'
import { runningServer } from '#app/home/home'
import { placesIn } from '#app/home/places'
import { VERSION } from '#app/version'
import { command } from '../command.ts'
import { serverFlags } from './up.ts'

export const doctor = command({
  command: 'doctor',
  describe: 'Show the settings, where each comes from, and what is installed',
  builder: serverFlags,
  handler: async (flags) => {
    const { config, origins } = loadConfig({ ...flags })
    const server = await runningServer(config.home)
    const tools = ['python3', 'git', 'uv'].map((tool) => [tool, versionOf(tool)] as const)
    const report = {
      version: VERSION,
      node: process.version,
      server: server ?? null,
      settings: origins,
      artifacts: placesIn(config),
      tools: Object.fromEntries(tools),
    }
    if (flags.json === true) {
      process.stdout.write(`${JSON.stringify(report)}\n`)
      return
    }
    const { destination, root } = placesIn(config)
    const lines = [
      `Orrery ${VERSION} on Node ${process.version}`,
      `Server: ${server === undefined ? 'not running in this home' : `${server.url} (process ${server.pid})`}`,
      'Settings:',
      ...origins.map(
        ({ key, value, from }) =>
          `  ${key.padEnd(20)} ${String(value).padEnd(30)} ${from.padEnd(12)} ${variableOf(key)}`,
      ),
      'Artifacts:',
      `  kept by the server   ${destination}`,
      `  new experiments      ${root}${root.startsWith('mlflow-artifacts:') ? ' (through the server)' : ' (clients write there)'}`,
      'Tools:',
      ...tools.map(([tool, version]) => `  ${tool.padEnd(20)} ${version ?? 'not found'}`),
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
  },
})

function versionOf(tool: string): string | null {
  const { status, stdout } = spawnSync(tool, ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : null
}
