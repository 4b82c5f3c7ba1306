/** The card form. It sends the card to the payment provider only, never to the shop.

    The stand-in for Stripe takes what Stripe.js sends; a real shop puts Stripe's Payment Element in place of this form. */
import { useState } from 'preact/hooks';
import { ApiError, declined } from '../errors';
import { Failure, Field, useAction } from '../parts';
import { useStore } from '../store';

interface Intent {
  status: string;
  next_action?: { redirect_to_url?: { url: string } } | null;
  last_payment_error?: { code?: string; decline_code?: string } | null;
}

export function CardForm({ secret, orderId, amount, failureCode }: { secret: string; orderId: string; amount: string; failureCode: string | null }) {
  const { config, shop } = useStore();
  const { busy, failure, run } = useAction();
  const [card, setCard] = useState({ number: '', expiry: '', cvc: '' });
  // Of the present attempt; null before the first, while the order's own is the latest.
  const [decline, setDecline] = useState<string | null>(null);
  const shown = decline ?? failureCode;
  const [sent, setSent] = useState(false);
  const field = (name: keyof typeof card): object => ({
    value: card[name],
    required: true,
    inputMode: 'numeric',
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement }) => setCard({ ...card, [name]: currentTarget.value }),
  });
  const pay = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      setDecline('');
      const intent = await confirm(config.stripe, shop.publishableKey ?? '', secret, card, `${location.origin}/orders/${orderId}`);
      if (typeof intent === 'string') return setDecline(intent);
      const page = intent.next_action?.redirect_to_url?.url;
      if (page) return location.assign(page);
      setSent(true);
    });
  };
  if (sent) return <p role="status" class="good">The bank has accepted the card. The shop is confirming your order.</p>;
  return (
    <form onSubmit={pay} aria-label="Card">
      <Field label="Card number" autocomplete="cc-number" pattern="[0-9 ]{12,23}" placeholder="4242 4242 4242 4242" {...field('number')} />
      <div class="pair">
        <Field label="Expiry (MM/YY)" autocomplete="cc-exp" pattern="(0?[1-9]|1[0-2]) ?/ ?[0-9]{2}" placeholder="12/34" {...field('expiry')} />
        <Field label="Security code" autocomplete="cc-csc" pattern="[0-9]{3,4}" placeholder="123" {...field('cvc')} />
      </div>
      <Failure text={failure || (shown ? declined(shown) : '')} />
      <button disabled={busy}>{busy ? 'Paying …' : `Pay ${amount}`}</button>
    </form>
  );
}

/** Confirms the payment intent of a client secret. Returns the intent, or the code of the decline. */
async function confirm(stripe: string, key: string, secret: string, card: { number: string; expiry: string; cvc: string }, returnUrl: string): Promise<Intent | string> {
  const [month = '', year = ''] = card.expiry.split('/').map((part) => part.trim());
  const body = new URLSearchParams({
    key,
    client_secret: secret,
    return_url: returnUrl,
    'payment_method_data[type]': 'card',
    'payment_method_data[card][number]': card.number.replaceAll(' ', ''),
    'payment_method_data[card][exp_month]': month,
    'payment_method_data[card][exp_year]': `20${year}`,
    'payment_method_data[card][cvc]': card.cvc,
  });
  const intent = secret.split('_secret_')[0];
  const response = await fetch(`${stripe}/v1/payment_intents/${intent}/confirm`, { method: 'POST', body }).catch(() => {
    throw new ApiError({ message: 'the provider cannot be reached', extensions: { reason: 'NETWORK' } });
  });
  const answer = (await response.json()) as Intent & { error?: { code?: string; decline_code?: string } };
  const error = answer.error ?? answer.last_payment_error;
  if (error) return error.decline_code ?? error.code ?? 'processing_error';
  return answer;
}
