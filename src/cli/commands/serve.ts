import { command } from '../command.ts'

export const serve = command({
  command: 'serve <models..>',
  describe: 'Serve models from folders or .onnx files, without a server: serve ./model',
  builder: (argv) =>
    argv
      .positional('models', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'FOLDER that mlflow has saved, or FILE.onnx; NAME=FOLDER names it',
      })
      .option('host', { type: 'string', default: '127.0.0.1', describe: 'Address to listen on' })
      .option('port', { type: 'number', default: 8080, describe: 'TCP port; 0 takes a free one' })
      .option('grpc-port', { type: 'number', default: 8081, describe: 'TCP port of gRPC' })
      .option('python', {
        type: 'string',
        describe: 'Python that runs models without ONNX (default: one made of what they ask for)',
      })
      .option('allowed-hosts', {
        type: 'string',
        default: '',
        describe: 'Further Host names to answer to, separated by commas; * answers to all',
      })
      .option('timeout-ms', {
        type: 'number',
        default: 10_000,
        describe: 'A model that has not answered after this time is ended and started again',
      })
      .option('log-level', { type: 'string', default: 'warn' }),
  handler: async (flags) => {
    const [{ startStandalone }, { modelRuntimes }, { loadConfig }] = await Promise.all([
      import('#app/standalone/index'),
      import('#app/serving/runtimes'),
      import('#app/settings/config'),
    ])
    const { config } = loadConfig(flags.python === undefined ? {} : { modelPython: flags.python })
    const server = await startStandalone({
      models: flags.models.map(modelIn),
      host: flags.host,
      port: flags.port,
      allowedHosts: flags.allowedHosts,
      logLevel: flags.logLevel,
      timeoutMs: flags.timeoutMs,
      bodyBytesMax: 64 * 1024 * 1024,
      drainMs: 10_000,
      grpcPort: flags.grpcPort,
      runtime: (logger) => modelRuntimes(config, logger),
    })
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ url: server.url, models: server.models, grpcPort: server.grpcPort, pid: process.pid })}\n`
        : `${server.models.join(', ')} at ${server.url}\n`,
    )
    const stop = (signal: NodeJS.Signals) => {
      // A second signal means that somebody is tired of waiting.
      process.once(signal, () => process.exit(1))
      void server.stop().then(() => process.exit(0))
    }
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  },
})

function modelIn(text: string): { name?: string; path: string } {
  const [, name, path] = /^([\w.-]+)=(.+)$/.exec(text) ?? []
  return name === undefined || path === undefined ? { path: text } : { name, path }
}
