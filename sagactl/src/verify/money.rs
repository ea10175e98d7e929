//! I2, I3 and the ledger's half of I4: money, added up from the rows of the ledger and from the items.

use super::report::Invariant::{I2, I3, I4};
use super::rule::Rule;

/// For order-service's database.
pub(super) const RULES: [Rule; 8] = [
    Rule::of(I2, "orders whose status owes another amount than was captured", CAPTURED_IS_NOT_WHAT_THE_STATUS_OWES),
    Rule::of(I2, "orders whose total is not the sum of their items", TOTAL_IS_NOT_THE_SUM_OF_THE_ITEMS),
    Rule::of(I2, "items of orders that are not there", ITEMS_OF_NO_ORDER),
    Rule::of(I2, "orders whose payment is not what the ledger says", PAYMENT_IS_NOT_WHAT_THE_LEDGER_SAYS),
    Rule::of(I2, "transfers that do not belong to their order", TRANSFER_DOES_NOT_FIT_ITS_ORDER),
    Rule::of(I3, "orders with the same transfer twice", THE_SAME_TRANSFER_TWICE),
    Rule::of(I3, "orders of which more went back than came", MORE_WENT_BACK_THAN_CAME),
    Rule::of(I4, "delivered orders that were refunded", DELIVERED_AND_REFUNDED),
];

const CAPTURED_IS_NOT_WHAT_THE_STATUS_OWES: &str = "
    select 'order ' || id as subject,
           format('is %s with a total of %s, but captured − refunded is %s (captured %s, refunded %s)',
                  status, total_minor, captured - refunded, captured, refunded) as evidence
    from orders
    cross join lateral (
        select coalesce(sum(amount_minor) filter (where kind = 'capture'), 0) as captured,
               coalesce(sum(amount_minor) filter (where kind = 'refund'), 0) as refunded
        from transfers
        where order_id = orders.id
    ) as ledger
    where not case
        when status in ('completed', 'cancelled', 'returned') then captured - refunded = 0
        when status = 'cancelling' then captured - refunded in (0, total_minor)
        when status in ('confirmed', 'in_delivery', 'delivered') then captured - refunded = total_minor
        else false
    end";

const TOTAL_IS_NOT_THE_SUM_OF_THE_ITEMS: &str = "
    select 'order ' || id as subject,
           format('has a total of %s, but its %s items add up to %s', total_minor, pieces, summed) as evidence
    from orders
    cross join lateral (
        select coalesce(sum(quantity), 0) as pieces, coalesce(sum(quantity::numeric * unit_price_minor), 0) as summed
        from order_items
        where order_id = orders.id
    ) as items
    where total_minor <> summed";

const ITEMS_OF_NO_ORDER: &str = "
    select 'order ' || order_id as subject, format('has %s items, but is not there', count(*)) as evidence
    from order_items
    where not exists (select from orders where orders.id = order_items.order_id)
    group by order_id";

const PAYMENT_IS_NOT_WHAT_THE_LEDGER_SAYS: &str = "
    select 'order ' || id as subject,
           format('says its payment of %s is %s, but the ledger has held %s, captured %s, voided %s, refunded %s',
                  total_minor, payment, held, captured, voided, refunded) as evidence
    from orders
    cross join lateral (
        select coalesce(sum(amount_minor) filter (where kind = 'hold'), 0) as held,
               coalesce(sum(amount_minor) filter (where kind = 'capture'), 0) as captured,
               coalesce(sum(amount_minor) filter (where kind = 'void'), 0) as voided,
               coalesce(sum(amount_minor) filter (where kind = 'refund'), 0) as refunded
        from transfers
        where order_id = orders.id
    ) as ledger
    where not (
        held = total_minor
        and captured = case when payment in ('captured', 'refunded') then total_minor else 0 end
        and voided = case when payment = 'voided' then total_minor else 0 end
        and refunded = case when payment = 'refunded' then total_minor else 0 end
    )";

const TRANSFER_DOES_NOT_FIT_ITS_ORDER: &str = "
    select 'order ' || transfers.order_id as subject,
           format('has a %s of %s %s from %s to %s, but the order is %s', kind, amount_minor, transfers.currency, debit,
                  credit, coalesce('in ' || orders.currency, 'not there')) as evidence
    from transfers
    left join orders on orders.id = transfers.order_id
    where orders.currency is distinct from transfers.currency
       or amount_minor <= 0
       or (kind, debit, credit) not in (('hold', 'customer', 'held'), ('capture', 'held', 'revenue'),
                                        ('void', 'held', 'customer'), ('refund', 'revenue', 'customer'))";

const THE_SAME_TRANSFER_TWICE: &str = "
    select 'order ' || order_id as subject,
           format('has %s transfers of the kind %s, which are %s together', count(*), kind, sum(amount_minor)) as evidence
    from transfers
    group by order_id, kind
    having count(*) > 1";

const MORE_WENT_BACK_THAN_CAME: &str = "
    select 'order ' || order_id as subject,
           format('has held %s, captured %s, voided %s, refunded %s', held, captured, voided, refunded) as evidence
    from (
        select order_id,
               coalesce(sum(amount_minor) filter (where kind = 'hold'), 0) as held,
               coalesce(sum(amount_minor) filter (where kind = 'capture'), 0) as captured,
               coalesce(sum(amount_minor) filter (where kind = 'void'), 0) as voided,
               coalesce(sum(amount_minor) filter (where kind = 'refund'), 0) as refunded
        from transfers
        group by order_id
    ) as ledger
    where refunded > captured or captured + voided > held";

const DELIVERED_AND_REFUNDED: &str = "
    select 'order ' || id as subject, format('is delivered, and %s were refunded at %s', amount_minor, at) as evidence
    from orders
    join transfers on transfers.order_id = orders.id
    where status = 'delivered' and kind = 'refund'";
