/** Makes the carrier a `listen` gets. */
import type { Carrier, CarrierEvents } from './carrier';
import { chooseCarrier, type ListenForm } from './choose';
import { EmbeddedCarrier } from './embedded';
import { HttpSysCarrier } from './httpsys';
import { ServiceCarrier } from './service';

/** @throws ERR_HTTPSYS_ENGINE */
export function createCarrier(events: CarrierEvents, form: ListenForm): Carrier {
  const kind = chooseCarrier(form);
  if (kind === 'service') return new ServiceCarrier(events);
  if (kind === 'embedded') return new EmbeddedCarrier(events);
  return new HttpSysCarrier(events);
}
