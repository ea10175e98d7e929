//! I5: where the pieces are, counted from the orders.

use super::report::Invariant::I5;
use super::rule::Rule;

/// For order-service's database.
pub(super) const RULES: [Rule; 3] = [
    Rule::of(I5, "products whose pieces do not add up", PIECES_DO_NOT_ADD_UP),
    Rule::of(I5, "products whose stock is not what the orders say", STOCK_IS_NOT_WHAT_THE_ORDERS_SAY),
    Rule::of(I5, "orders whose goods are not where their status says", GOODS_ARE_NOT_WHERE_THE_STATUS_SAYS),
];

const PIECES_DO_NOT_ADD_UP: &str = "
    select 'sku ' || sku as subject,
           format('received %s, but on hand %s + shipped %s + written off %s = %s; of those on hand %s are reserved, so %s are available',
                  received, on_hand, shipped, written_off, on_hand + shipped + written_off, reserved, on_hand - reserved)
               as evidence
    from products
    where on_hand + shipped + written_off <> received
       or reserved > on_hand
       or least(on_hand, reserved, shipped, written_off) < 0";

const STOCK_IS_NOT_WHAT_THE_ORDERS_SAY: &str = "
    select 'sku ' || coalesce(products.sku, due.sku) as subject,
           format('has reserved %s, shipped %s, written off %s, but its orders say reserved %s, shipped %s, written off %s',
                  products.reserved, products.shipped, products.written_off,
                  coalesce(due.reserved, 0), coalesce(due.shipped, 0), coalesce(due.written_off, 0)) as evidence
    from products
    full join (
        select sku,
               sum(quantity) filter (where status in ('completed', 'confirmed', 'cancelling', 'in_delivery')) as reserved,
               sum(quantity) filter (where status = 'delivered') as shipped,
               sum(quantity) filter (where status = 'returned' and stock = 'written_off') as written_off
        from order_items
        join orders on orders.id = order_items.order_id
        group by sku
    ) as due on due.sku = products.sku
    where products.reserved is distinct from coalesce(due.reserved, 0)
       or products.shipped is distinct from coalesce(due.shipped, 0)
       or products.written_off is distinct from coalesce(due.written_off, 0)";

const GOODS_ARE_NOT_WHERE_THE_STATUS_SAYS: &str = "
    select 'order ' || id as subject,
           format('is %s with goods that are %s%s', status, stock, ', but came back as ' || (failure ->> 'goods')) as evidence
    from orders
    where stock is distinct from case
        when status in ('completed', 'confirmed', 'cancelling', 'in_delivery') then 'reserved'
        when status = 'delivered' then 'shipped'
        when status = 'cancelled' then 'released'
        when status = 'returned' and failure ->> 'goods' = 'returned' then 'released'
        when status = 'returned' and failure ->> 'goods' in ('lost', 'damaged') then 'written_off'
    end";
