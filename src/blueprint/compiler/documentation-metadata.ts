/** metadata.yaml in the form that Airbyte's connectors carry, as far as a connector outside its registry can. */
import { createHash } from 'node:crypto';
import { dump } from 'js-yaml';
import type { Blueprint } from '../schema.ts';
import { plainText } from './agent-face-python.ts';

/** Namespace of the identifiers below (RFC 9562, version 5): connectors of the same name get the same one. */
const NAMESPACE = '6f0c2f0b-6c52-5a4e-9d0b-3b3a6a1c8e57';

/** The file's text. */
export function metadata(blueprint: Blueprint): string {
  const host = hostOf(blueprint.baseUrl);
  const data = {
    metadataSpecVersion: '1.0',
    data: {
      connectorType: 'source',
      connectorSubtype: 'api',
      definitionId: uuidOf(`source-${blueprint.name}`),
      name: plainText(blueprint.api.title, 80) || blueprint.name,
      dockerImageTag: '0.1.0',
      dockerRepository: `local/source-${blueprint.name}`,
      githubIssueLabel: `source-${blueprint.name}`,
      license: 'unlicensed',
      releaseStage: 'alpha',
      supportLevel: 'community',
      documentationUrl: documentationUrl(blueprint),
      allowedHosts: { hosts: host === undefined ? ['*'] : [host] },
      registryOverrides: { cloud: { enabled: false }, oss: { enabled: false } },
      remoteRegistries: { pypi: { enabled: false, packageName: `source-${blueprint.name}` } },
      tags: ['language:python'],
    },
  };
  return dump(data, { lineWidth: 120, noRefs: true });
}

function documentationUrl(blueprint: Blueprint): string {
  const url = blueprint.api.docsUrl ?? '';
  return /^https?:\/\/[^\s"'<>]+$/.test(url) ? url : `https://example.invalid/source-${blueprint.name}`;
}

/** Host of the base URL; `*` stands for what its variables leave open. */
function hostOf(baseUrl: string): string | undefined {
  const host = /^[a-z]+:\/\/([^/?#]+)/i.exec(baseUrl)?.[1]?.replace(/^.*@/, '');
  const open = host?.replace(/\{[^{}]*\}/g, '*').replace(/:(\d+|\*)$/, '');
  return open !== undefined && /^[A-Za-z0-9.*-]+$/.test(open) ? open : undefined;
}

/** A version 5 UUID of a name. */
export function uuidOf(name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  const bytes = Buffer.from(hash.subarray(0, 16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
