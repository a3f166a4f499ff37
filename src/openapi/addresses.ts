/** Which network addresses a download may reach. */
import { lookup as resolveHost, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address that was refused. Its own class, so that it can be told from a failed lookup after crossing `node:http`. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
  readonly host: string;
  readonly address: string;
  constructor(host: string, address: string) {
    super(`${host} is the private address ${address}`);
    this.host = host;
    this.address = address;
  }
}

/** True for addresses of the public Internet: not loopback, private, link-local, carrier NAT, multicast or reserved. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // `process` unwraps IPv4 addresses that are written as IPv6 (::ffff:127.0.0.1).
  return ipaddr.process(address).range() === 'unicast';
}

/** Refuses a host that is itself an address (the connection then asks no lookup). */
export function assertPublicLiteral(hostname: string): void {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(bare) && !isPublicAddress(bare)) throw new PrivateAddressError(hostname, bare);
}

/**
 * A lookup for `node:http` that fails when any address of the host is not public. It is the connection's own lookup:
 * what was checked is what is connected to, so the answer can't change in between.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolveHost(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error !== null) {
      callback(error, []);
      return;
    }
    const refused = addresses.find(({ address }) => !isPublicAddress(address));
    const [first] = addresses;
    if (refused !== undefined) callback(new PrivateAddressError(hostname, refused.address), []);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  });
};
