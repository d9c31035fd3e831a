import { stringify } from 'yaml'

/** What runs an image, for a cluster to be told. */
export type ManifestKind = 'kubernetes' | 'kserve'

/** The manifests as one YAML text, for `kubectl apply -f -`. */
export function manifestsOf(
  kind: ManifestKind,
  { name, image }: { name: string; image: string },
): string {
  const documents =
    kind === 'kubernetes' ? kubernetes(name, image) : [inferenceService(name, image)]
  return documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n')
}

/** A name as Kubernetes takes it (RFC 1123). */
export function clusterName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
}

const PORT = 8080

function container(name: string, image: string) {
  const probe = (path: string, more: object) => ({ httpGet: { path, port: PORT }, ...more })
  return {
    name,
    image,
    ports: [{ containerPort: PORT, protocol: 'TCP' }],
    startupProbe: probe('/v2/health/ready', { periodSeconds: 1, failureThreshold: 120 }),
    readinessProbe: probe('/v2/health/ready', { periodSeconds: 5 }),
    livenessProbe: probe('/v2/health/live', { periodSeconds: 10 }),
    resources: { requests: { cpu: '250m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    securityContext: {
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  }
}

const SCRATCH = [{ name: 'tmp', emptyDir: {} }]

function kubernetes(name: string, image: string): object[] {
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/managed-by': 'orrery' }
  const selector = { 'app.kubernetes.io/name': name }
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: {
        replicas: 2,
        selector: { matchLabels: selector },
        template: {
          metadata: { labels },
          spec: {
            // A stop finishes what was begun, for up to 25 seconds.
            terminationGracePeriodSeconds: 30,
            containers: [container('model', image)],
            volumes: SCRATCH,
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels },
      spec: { selector, ports: [{ name: 'http', port: 80, targetPort: PORT }] },
    },
  ]
}

/** KServe finds a model server of its own by the container's name. */
function inferenceService(name: string, image: string): object {
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name },
    spec: {
      predictor: { containers: [container('kserve-container', image)], volumes: SCRATCH },
    },
  }
}
