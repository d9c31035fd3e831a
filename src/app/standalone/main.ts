import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#base/problem'
import { giveBackAtRest } from '#base/young-memory'
import { onnxRuntime } from '#runtimes/onnx/index'
import { environment } from '../settings/environment.ts'
import { startStandalone } from './index.ts'

// The entry of an image: serves every model below its folder. Platforms say what they want of a container in
// variables and arguments of their own: SageMaker calls it with "serve" and names a port, KServe names a port.

const models = environment['ORRERY_MODELS'] ?? '/models'
const port = Number(environment['SAGEMAKER_BIND_TO_PORT'] ?? environment['PORT'] ?? 8080)

try {
  const names = await readdir(models)
  const server = await startStandalone({
    models: names.toSorted().map((name) => ({ name, path: join(models, name) })),
    host: '0.0.0.0',
    port,
    allowedHosts: '*',
    logLevel: environment['ORRERY_LOG_LEVEL'] ?? 'info',
    timeoutMs: Number(environment['ORRERY_INFERENCE_TIMEOUT_MS'] ?? 10_000),
    bodyBytesMax: Number(environment['ORRERY_BODY_BYTES_MAX'] ?? 64 * 1024 * 1024),
    // SageMaker ends a container 30 seconds after it has asked it to stop.
    drainMs: 25_000,
    // What SageMaker sets in a container of many models.
    multiModel: environment['SAGEMAKER_MULTI_MODEL'] === 'true',
    grpcPort: Number(environment['ORRERY_GRPC_PORT'] ?? 8081),
    // The container has a limit of its own.
    runtime: (logger) => onnxRuntime({ logger, memoryBytesMax: 0 }),
  })
  giveBackAtRest()
  process.stdout.write(`${JSON.stringify({ url: server.url, models: server.models })}\n`)
  process.once('SIGTERM', () => {
    void server.stop().then(() => process.exit(0))
  })
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}
