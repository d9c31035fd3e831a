import type { MlflowApp, MlflowParts } from './app.ts'

/** The release of MLflow whose protocol this is; clients change what they send by it. */
export const MLFLOW_VERSION = '3.17.2'

/** What this server can do, which clients ask before the first download. */
export function serverInfoRoutes(
  app: MlflowApp,
  { tracking, servesArtifacts = true }: MlflowParts,
): void {
  const transfersDirectly = servesArtifacts && tracking.artifacts.direct !== undefined
  app.get('/mlflow/server-info', async () => ({
    store_type: 'SqlStore',
    workspaces_enabled: false,
    trace_archival_enabled: false,
    multipart_uploads_enabled: transfersDirectly,
    multipart_downloads_enabled: transfersDirectly,
    // What may be asked; whether it can be done depends on where the run's files are.
    presigned_upload_run_id_supported: true,
    presigned_upload_model_id_supported: true,
    features_enabled: { gateway: false },
  }))
}

export function versionRoute(app: MlflowApp): void {
  app.get('/version', async (_, reply) => reply.type('text/plain').send(MLFLOW_VERSION))
}
